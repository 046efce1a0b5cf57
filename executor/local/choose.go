package local

import (
	"fmt"
	"strings"
)

// Auto as Options.Kernel, optionally followed by a colon and the name that the
// notebook has, takes what fits best where the name is not here: another
// environment is another result, so it is never done unasked.
const Auto = "auto"

// choose finds the kernelspec that o asks for.
func (c catalogue) choose(o *Options) (Spec, error) {
	name, ok := strings.CutPrefix(o.Kernel, Auto)
	if !ok || name != "" && name[0] != ':' {
		return c.find(o.Kernel)
	}
	name = strings.TrimPrefix(name, ":")
	if name != "" {
		if spec, err := c.find(name); err == nil {
			return spec, nil
		}
	}
	specs, _ := c.list()
	if s, ok := single(specs, func(s Spec) bool { return o.DisplayName != "" && s.DisplayName == o.DisplayName }); ok {
		return s, nil
	}
	language := func(s Spec) bool { return o.Language == "" || strings.EqualFold(s.Language, o.Language) }
	if s, ok := single(specs, language); ok {
		return s, nil
	}
	if o.Language == "" || strings.EqualFold(o.Language, "python") {
		if s, err := c.find(nativeName); err == nil {
			return s, nil
		}
	}
	e := c.unknown(name).(*StartError)
	if o.Language != "" {
		e.Reason = fmt.Sprintf("no one kernel stands out for the language %q: %s", o.Language, e.Reason)
	}
	return Spec{}, e
}

// single is the only spec that fits, if it is the only one.
func single(specs []Spec, fits func(Spec) bool) (found Spec, ok bool) {
	for _, s := range specs {
		if !fits(s) {
			continue
		}
		if ok {
			return Spec{}, false
		}
		found, ok = s, true
	}
	return found, ok
}
