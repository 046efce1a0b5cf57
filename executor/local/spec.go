package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/nearest"
)

// Spec is a kernelspec: how a kernel is started.
type Spec struct {
	Name          string            `json:"name"` // as it is asked for, in lower case
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	Dir           string            `json:"resource_dir"` // folder of kernel.json; of ipykernel's resources for a native spec
	Argv          []string          `json:"argv"`
	Env           map[string]string `json:"env,omitempty"`
	InterruptMode string            `json:"interrupt_mode"` // "signal" or "message"
	Metadata      json.RawMessage   `json:"metadata,omitempty"`

	// Native says that no kernel.json stands behind it: the Python that was
	// found has ipykernel, and that is enough.
	Native bool `json:"native,omitempty"`

	// Provisioner is a way of starting that is not ours (a kernel_provisioner
	// other than local-provisioner); Start refuses it.
	Provisioner string `json:"provisioner,omitempty"`
}

// nativeName is the name under which ipykernel is known without a kernelspec.
const nativeName = "python3"

// SpecError says that a kernelspec is there and cannot be used.
type SpecError struct {
	Name string
	Path string
	Err  error
}

func (e *SpecError) Error() string {
	return fmt.Sprintf("kernelspec %q in %s: %v", e.Name, e.Path, e.Err)
}

func (e *SpecError) Unwrap() error { return e.Err }

// catalogue is where kernelspecs are looked for, for one set of options.
type catalogue struct {
	env    environ
	python *Python // nil: none
	dirs   []string
}

func newCatalogue(o *Options) catalogue {
	c := catalogue{env: newEnviron(o.Env)}
	if py, ok := findPython(o.Python, c.env); ok {
		c.python = &py
	}
	c.dirs = kernelDirs(c.python, c.env)
	return c
}

// List returns every kernelspec that can be read, in the order of preference,
// and an error for each that cannot. A name that is found twice counts once.
func List(o *Options) ([]Spec, []error) {
	return newCatalogue(o.orDefault()).list()
}

func (c catalogue) list() ([]Spec, []error) {
	var (
		specs []Spec
		bad   []error
		seen  = map[string]bool{}
	)
	for _, dir := range c.dirs {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			name, path := strings.ToLower(e.Name()), filepath.Join(dir, e.Name())
			if seen[name] || !hasSpec(path) {
				continue
			}
			seen[name] = true
			spec, err := readSpec(name, path)
			if err != nil {
				bad = append(bad, err)
				continue
			}
			specs = append(specs, spec)
		}
	}
	if !seen[nativeName] {
		if spec, ok := c.native(); ok {
			specs = append(specs, spec)
		}
	}
	return specs, bad
}

// Find returns the kernelspec of a name. The error of an unknown name is a
// *StartError that says which there are.
func Find(name string, o *Options) (Spec, error) {
	return newCatalogue(o.orDefault()).find(name)
}

func (c catalogue) find(name string) (Spec, error) {
	if name == "" {
		name = nativeName
	}
	key := strings.ToLower(name)
	for _, dir := range c.dirs {
		if key != filepath.Base(key) {
			break // a path is not a name
		}
		path := filepath.Join(dir, key)
		if !hasSpec(path) {
			path = matchFold(dir, key)
		}
		if path != "" {
			return readSpec(key, path)
		}
	}
	if key == nativeName {
		if spec, ok := c.native(); ok {
			return spec, nil
		}
	}
	return Spec{}, c.unknown(name)
}

// matchFold finds the folder of a kernelspec whose name differs in case only.
func matchFold(dir, key string) string {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.ToLower(e.Name()) == key && hasSpec(filepath.Join(dir, e.Name())) {
			return filepath.Join(dir, e.Name())
		}
	}
	return ""
}

func hasSpec(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "kernel.json"))
	return err == nil && st.Mode().IsRegular()
}

func readSpec(name, dir string) (Spec, error) {
	path := filepath.Join(dir, "kernel.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return Spec{}, &SpecError{Name: name, Path: path, Err: err}
	}
	spec, err := parseSpec(data)
	if err != nil {
		return Spec{}, &SpecError{Name: name, Path: path, Err: err}
	}
	spec.Name, spec.Dir = name, dir
	return spec, nil
}

// parseSpec reads a kernel.json. Fields of the wrong type are errors only
// where a kernel cannot be started without them.
func parseSpec(data []byte) (Spec, error) {
	var file struct {
		Argv          []string          `json:"argv"`
		DisplayName   string            `json:"display_name"`
		Language      string            `json:"language"`
		Env           map[string]string `json:"env"`
		InterruptMode string            `json:"interrupt_mode"`
		Metadata      json.RawMessage   `json:"metadata"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return Spec{}, err
	}
	s := Spec{
		DisplayName: file.DisplayName, Language: file.Language, Argv: file.Argv,
		Env: file.Env, InterruptMode: file.InterruptMode, Metadata: file.Metadata,
	}
	if s.InterruptMode == "" {
		s.InterruptMode = "signal"
	}
	var metadata struct {
		Provisioner struct {
			Name string `json:"provisioner_name"`
		} `json:"kernel_provisioner"`
	}
	_ = json.Unmarshal(file.Metadata, &metadata)
	if p := metadata.Provisioner.Name; p != "" && p != "local-provisioner" {
		s.Provisioner = p
	}
	if len(s.Argv) == 0 && s.Provisioner == "" {
		return Spec{}, errors.New("argv is empty")
	}
	return s, nil
}

// native is ipykernel of the Python that was found, where no kernelspec names it.
func (c catalogue) native() (Spec, bool) {
	if c.python == nil {
		return Spec{}, false
	}
	dir, ok := c.python.packageDir("ipykernel", c.env)
	if !ok {
		return Spec{}, false
	}
	return Spec{
		Name:          nativeName,
		DisplayName:   "Python 3 (ipykernel)",
		Language:      "python",
		Dir:           filepath.Join(dir, "resources"),
		Argv:          []string{c.python.Exe, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"},
		InterruptMode: "signal",
		Metadata:      json.RawMessage(`{"debugger": true}`),
		Native:        true,
	}, true
}

// unknown is the error of a name that nobody has: what there is, what is
// nearest, and what to type.
func (c catalogue) unknown(name string) error {
	specs, bad := c.list()
	var names []string
	for _, s := range specs {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	e := &StartError{Kernel: name, Kind: UnknownKernel, Reason: fmt.Sprintf("no kernelspec named %q", name)}
	switch {
	case len(names) > 0:
		e.Reason += "; there are: " + strings.Join(names, ", ")
	case c.python == nil:
		e.Reason += "; there are no kernelspecs and no Python here"
	default:
		e.Reason += "; there are no kernelspecs, and " + c.python.Exe + " has no ipykernel"
	}
	for _, err := range bad {
		var broken *SpecError
		if errors.As(err, &broken) && broken.Name == strings.ToLower(name) {
			e.Reason = err.Error()
		}
	}
	e.Hint = c.unknownHint(name, names)
	return e
}

func (c catalogue) unknownHint(name string, names []string) string {
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("did you mean %q? choose one with --kernel %s", near, near)
	}
	if len(names) > 0 {
		pick := names[0]
		if slices.Contains(names, nativeName) {
			pick = nativeName
		}
		return fmt.Sprintf("choose one with --kernel %s; assay kernels list shows them all", pick)
	}
	return c.installHint()
}

// installHint is the line that gives this machine a Python kernel.
func (c catalogue) installHint() string {
	if c.python == nil {
		return "install Python 3, then: python3 -m venv .venv && .venv/bin/python -m pip install ipykernel, and use --python .venv"
	}
	if c.python.Venv() {
		return c.python.Exe + " -m pip install ipykernel"
	}
	return c.python.Exe + " -m venv .venv && .venv/bin/python -m pip install ipykernel, and use --python .venv"
}
