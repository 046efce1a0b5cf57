package drivers

import (
	"context"
	"slices"
	"strings"
)

// Uninstall plans everything that Install wrote in a scope away, and what it
// had taken out of the scope back into it. attributes is a file besides those
// that the installs wrote; "" is none.
func (g Git) Uninstall(ctx context.Context, scope Scope, attributes string) (*Plan, error) {
	if scope == "" {
		scope = Local
	}
	all, err := g.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	file, err := g.attributesFile(ctx, scope, "", all)
	if err != nil {
		return nil, err
	}
	p := &Plan{git: g, scope: scope, filesFirst: true}
	here := all.in(scope)
	files := append(here.values(attributesKey), file)
	if attributes != "" {
		if attributes, err = g.abs(attributes); err != nil {
			return nil, err
		}
		files = append(files, attributes)
	}
	slices.Sort(files)
	t := takeover{AllParts, foreignAttributes(AllParts, nil)}
	for _, file := range slices.Compact(files) {
		if err := p.edit(file, t.uninstall); err != nil {
			return nil, err
		}
	}
	p.writes = append(oursAway(here), restored(here)...)
	return p, nil
}

func oursAway(here settings) []write {
	var gone []string
	for _, s := range here {
		ours := s.key == keptKey || s.key == attributesKey || isTool(s.key) && s.value == "assay"
		for _, section := range sections {
			ours = ours || strings.HasPrefix(s.key, section.ours)
		}
		if ours && !slices.Contains(gone, s.key) {
			gone = append(gone, s.key)
		}
	}
	var all []write
	for _, key := range gone {
		all = append(all, write{key, "", unset})
	}
	return all
}

// restored are the settings that the installs had taken out. One that somebody
// has set since is left as it is.
func restored(here settings) []write {
	var all []write
	for _, kept := range here.values(keptKey) {
		key, value, ok := strings.Cut(kept, "=")
		if now := here.last(key); !ok || now.key != "" && !(isTool(key) && now.value == "assay") {
			continue
		}
		all = append(all, write{key, value, add})
	}
	return all
}

func isTool(key string) bool {
	switch key {
	case "diff.tool", "diff.guitool", "merge.tool", "merge.guitool":
		return true
	}
	return false
}
