package local

// Explanation is what a kernel name means on this machine.
type Explanation struct {
	Spec      Spec     `json:"spec"`
	Command   []string `json:"command"`   // the command line, with {connection_file} where its path will stand
	Prefix    string   `json:"prefix"`    // the Python prefix that the kernelspec belongs to; may be empty
	Transport string   `json:"transport"` // "ipc" or "tcp"
	Trimmed   []string `json:"trimmed"`   // what was added to its command line; Untrimmed leaves it out
	Python    *Python  `json:"python"`    // whose kernels count here; nil: none was found
	Searched  []string `json:"searched"`  // the folders that were looked in, the first wins
	Hidden    []string `json:"hidden"`    // folders of the same name that lose
}

// Explain says how the kernel of a name would be started, and starts nothing.
func Explain(name string, o *Options) (Explanation, error) {
	o = o.orDefault()
	c := newCatalogue(o)
	chosen := *o
	chosen.Kernel = name
	spec, err := c.choose(&chosen)
	if err != nil {
		return Explanation{}, asStartError(name, BrokenSpec, err)
	}
	e := Explanation{Spec: spec, Prefix: c.prefixOf(spec), Transport: o.Transport, Python: c.python, Searched: c.dirs}
	if spec.Provisioner == "" {
		e.Command = c.argv(spec, "{connection_file}")
		if trim := trim(e.Command); !o.Untrimmed && len(trim) > len(e.Command) {
			e.Trimmed = trim[len(e.Command):]
			e.Command = trim
		}
		if parent, err := runParent(c.env); err == nil && e.Transport == "" {
			e.Transport = defaultTransport(spec.Argv, parent+"/00000000")
		}
	}
	for _, dir := range c.dirs {
		if path := matchFold(dir, spec.Name); path != "" && path != spec.Dir {
			e.Hidden = append(e.Hidden, path)
		}
	}
	return e, nil
}
