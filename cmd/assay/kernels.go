package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay/executor/gateway"
	"assay/executor/local"
	"assay/notebooks"
)

// kernelFlags say whose kernels are meant.
type kernelFlags struct {
	python, gateway string
	json            bool
}

// localKernels is what `kernels list --json` prints: docs/json.md.
type localKernels struct {
	Version int          `json:"v"`
	Kernels []local.Spec `json:"kernels"`
}

func newLocalKernels(specs []local.Spec) localKernels {
	if specs == nil {
		specs = []local.Spec{}
	}
	return localKernels{1, specs}
}

// explained is what `kernels explain --json` prints.
type explained struct {
	Version int `json:"v"`
	local.Explanation
}

func newExplained(e local.Explanation) explained {
	for _, list := range []*[]string{&e.Command, &e.Trimmed, &e.Searched, &e.Hidden} {
		if *list == nil {
			*list = []string{}
		}
	}
	return explained{1, e}
}

// diagnosis is what `kernels doctor --json` prints.
type diagnosis struct {
	Version int           `json:"v"`
	Gateway string        `json:"gateway,omitempty"`
	Checks  []local.Check `json:"checks"`
}

func newKernels() *cobra.Command {
	f := &kernelFlags{}
	c := &cobra.Command{
		Use:     "kernels",
		Short:   "list the kernels that can run here, explain a name, find what is missing",
		Example: "  assay kernels list\n  assay kernels explain python3\n  assay kernels doctor\n  assay kernels list --gateway http://127.0.0.1:8888",
		Args:    cobra.ArbitraryArgs,
		RunE:    subcommands,
		// Not the flag's default, which --help would print: the URL may hold a password.
		PersistentPreRun: func(c *cobra.Command, _ []string) {
			if !c.Flags().Changed("gateway") {
				f.gateway = os.Getenv("ASSAY_GATEWAY_URL")
			}
		},
	}
	p := c.PersistentFlags()
	p.StringVar(&f.python, "python", "", "`PREFIX` or interpreter whose kernels count")
	p.StringVar(&f.gateway, "gateway", "", "`URL` of a gateway, else ASSAY_GATEWAY_URL; token in ASSAY_GATEWAY_TOKEN")
	p.BoolVar(&f.json, "json", false, "JSON instead of text")
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "the kernels that a notebook may ask for", Args: arguments(0, 0, "list takes none"),
			RunE: func(c *cobra.Command, _ []string) error { return f.list(c.Context()) },
		},
		&cobra.Command{
			Use: "explain NAME", Short: "what a kernel name means here: where it stands and how it is started", Args: arguments(1, 1, "NAME"),
			ValidArgsFunction: f.complete,
			RunE:              func(c *cobra.Command, args []string) error { return f.explain(c.Context(), args[0]) },
		},
		&cobra.Command{
			Use: "doctor", Short: "what is missing on this machine or gateway, and what mends it", Args: arguments(0, 0, "doctor takes none"),
			RunE: func(c *cobra.Command, _ []string) error { return f.doctor(c.Context()) },
		},
	)
	return c
}

func (f *kernelFlags) list(ctx context.Context) error {
	if f.gateway != "" {
		return f.listRemote(ctx)
	}
	if err := checkPython(f.python); err != nil {
		return err
	}
	specs, broken := local.List(&local.Options{Python: f.python})
	for _, err := range broken {
		note("assay: %v", err)
	}
	if err := f.print(newLocalKernels(specs), func(w io.Writer) {
		for _, s := range specs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", inLine(s.Name), inLine(s.Language), inLine(s.DisplayName), inLine(s.Dir))
		}
	}); err != nil {
		return err
	}
	if len(specs) == 0 {
		return &exitError{code: exitSurroundings, err: errors.New("no kernel can run here"), hint: "assay kernels doctor"}
	}
	return nil
}

func (f *kernelFlags) explain(ctx context.Context, name string) error {
	if f.gateway != "" {
		return f.explainRemote(ctx, name)
	}
	if err := checkPython(f.python); err != nil {
		return err
	}
	o := &local.Options{Kernel: name, Python: f.python}
	e, err := local.Explain(name, o)
	if err != nil {
		return kernelError(err, o)
	}
	s := e.Spec
	return f.print(newExplained(e), func(w io.Writer) {
		fmt.Fprintf(w, "name\t%s\nshown as\t%s\nlanguage\t%s\nfrom\t%s\nstarted by\t%s\nspoken to by\t%s\ninterrupted by\t%s\n",
			inLine(s.Name), inLine(s.DisplayName), inLine(s.Language), orNone(inLine(s.Dir)), inLine(strings.Join(e.Command, " ")), e.Transport, inLine(s.InterruptMode))
		if len(e.Trimmed) > 0 {
			fmt.Fprintf(w, "added to it\t%s\n", strings.Join(e.Trimmed, " "))
		}
		for _, k := range slices.Sorted(maps.Keys(s.Env)) {
			fmt.Fprintf(w, "sets\t%s=%s\n", inLine(k), inLine(s.Env[k]))
		}
		if s.Native {
			fmt.Fprintln(w, "note\tno kernel.json: ipykernel of the Python that was found")
		}
	})
}

// doctor prints what was looked at; an error among it is exit 3.
func (f *kernelFlags) doctor(ctx context.Context) error {
	var checks []local.Check
	if f.gateway != "" {
		checks = f.examine(ctx)
	} else {
		checks = local.Doctor(&local.Options{Python: f.python})
	}
	code := exitOK
	for _, c := range checks {
		if c.Severity == local.Error {
			code = exitSurroundings
		}
	}
	if f.json {
		if err := printJSON(diagnosis{1, notebooks.Redact(f.gateway), checks}); err != nil {
			return err
		}
		return said(code)
	}
	return answer(func(w *bufio.Writer) error {
		for _, c := range checks {
			fmt.Fprintf(w, "%-8s %s: %s\n", c.Severity, inLine(c.Name), safeText(c.Found))
			if c.Fix != "" {
				fmt.Fprintf(w, "         mend it: %s\n", safeText(c.Fix))
			}
		}
		return said(code)
	})
}

// examine is doctor for a gateway.
func (f *kernelFlags) examine(ctx context.Context) []local.Check {
	server, err := gateway.Identify(ctx, f.gatewayOptions())
	if err != nil {
		return []local.Check{unreachable(err)}
	}
	specs, err := f.remote(ctx)
	if err != nil {
		return []local.Check{unreachable(err)}
	}
	answers := local.Check{Name: "gateway", Severity: local.OK, Found: notebooks.Redact(f.gateway) + " answers: " + server.String()}
	if len(specs) == 0 {
		return []local.Check{answers, {Name: "kernels", Severity: local.Error, Found: "the gateway has none", Fix: "install a kernelspec where the gateway runs"}}
	}
	return []local.Check{answers, {Name: "kernels", Severity: local.OK, Found: namesOf(specs)}}
}

// unreachable is what doctor says of a gateway that cannot be asked.
func unreachable(err error) local.Check {
	c := local.Check{Name: "gateway", Severity: local.Error, Found: err.Error()}
	var e *gateway.StartError
	if errors.As(err, &e) {
		c.Found, c.Fix = e.Reason, e.Hint
	}
	return c
}

// print prints v as JSON or rows as a table, as was asked for.
func (f *kernelFlags) print(v any, rows func(w io.Writer)) error {
	if f.json {
		return printJSON(v)
	}
	return table(rows)
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return surroundings(err)
	}
	return nil
}

// complete offers the kernels of explain's one argument to the shell.
func (f *kernelFlags) complete(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || f.gateway != "" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return kernelNames(&local.Options{Python: f.python})
}

// completeKernels offers the names of the kernels here to the shell.
func completeKernels(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return kernelNames(nil)
}

func kernelNames(o *local.Options) ([]string, cobra.ShellCompDirective) {
	specs, _ := local.List(o)
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = inLine(s.Name) + "\t" + inLine(s.DisplayName)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
