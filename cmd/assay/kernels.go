package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"assay/executor/gateway"
	"assay/executor/local"
)

// kernelFlags say whose kernels are meant.
type kernelFlags struct {
	python, gateway string
	json            bool
}

func newKernels() *cobra.Command {
	f := &kernelFlags{}
	c := &cobra.Command{
		Use:     "kernels",
		Short:   "list the kernels that can run here, explain a name, find what is missing",
		Example: "  assay kernels list\n  assay kernels explain python3\n  assay kernels doctor\n  assay kernels list --gateway http://127.0.0.1:8888",
	}
	p := c.PersistentFlags()
	p.StringVar(&f.python, "python", "", "`PREFIX` or interpreter whose kernels count")
	p.StringVar(&f.gateway, "gateway", os.Getenv("ASSAY_GATEWAY_URL"), "`URL` of a gateway; token in ASSAY_GATEWAY_TOKEN")
	p.BoolVar(&f.json, "json", false, "JSON instead of text")
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "the kernels that a notebook may ask for", Args: arguments(0, 0, ""),
			RunE: func(c *cobra.Command, _ []string) error { return f.list(c.Context()) },
		},
		&cobra.Command{
			Use: "explain NAME", Short: "what a kernel name means here: where it stands and how it is started", Args: arguments(1, 1, "NAME"),
			RunE: func(_ *cobra.Command, args []string) error { return f.explain(args[0]) },
		},
		&cobra.Command{
			Use: "doctor", Short: "what is missing on this machine, and the line that mends it", Args: arguments(0, 0, ""),
			RunE: func(c *cobra.Command, _ []string) error { return f.doctor() },
		},
	)
	return c
}

func (f *kernelFlags) list(ctx context.Context) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	if f.gateway != "" {
		specs, err := gateway.Kernelspecs(ctx, &gateway.Options{URL: f.gateway, Token: os.Getenv("ASSAY_GATEWAY_TOKEN")})
		if err != nil {
			return surroundings(err)
		}
		if f.json {
			return printJSON(specs)
		}
		for _, s := range specs {
			fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, s.Language, s.DisplayName)
		}
		return w.Flush()
	}
	specs, broken := local.List(&local.Options{Python: f.python})
	for _, err := range broken {
		note("assay: %v", err)
	}
	if f.json {
		return printJSON(specs)
	}
	for _, s := range specs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, s.Language, s.DisplayName, s.Dir)
	}
	if len(specs) == 0 {
		return &exitError{code: exitSurroundings, err: fmt.Errorf("no kernel can run here"), hint: "assay kernels doctor"}
	}
	return w.Flush()
}

func (f *kernelFlags) explain(name string) error {
	e, err := local.Explain(name, &local.Options{Python: f.python})
	if err != nil {
		return kernelError(err)
	}
	if f.json {
		return printJSON(e)
	}
	s := e.Spec
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nshown as\t%s\nlanguage\t%s\nfrom\t%s\nstarted by\t%s\nspoken to by\t%s\ninterrupted by\t%s\n",
		s.Name, s.DisplayName, s.Language, orNone(s.Dir), strings.Join(e.Command, " "), e.Transport, s.InterruptMode)
	if len(e.Trimmed) > 0 {
		fmt.Fprintf(w, "added to it\t%s\n", strings.Join(e.Trimmed, " "))
	}
	for k, v := range s.Env {
		fmt.Fprintf(w, "sets\t%s=%s\n", k, v)
	}
	if s.Native {
		fmt.Fprintln(w, "note\tno kernel.json: ipykernel of the Python that was found")
	}
	return w.Flush()
}

// doctor prints what was looked at; an error among it is exit 3.
func (f *kernelFlags) doctor() error {
	checks := local.Doctor(&local.Options{Python: f.python})
	code := exitOK
	for _, c := range checks {
		if c.Severity == local.Error {
			code = exitSurroundings
		}
	}
	if f.json {
		if err := printJSON(checks); err != nil {
			return err
		}
		return said(code)
	}
	for _, c := range checks {
		fmt.Printf("%-8s %s: %s\n", c.Severity, c.Name, c.Found)
		if c.Fix != "" {
			fmt.Printf("         mend it: %s\n", c.Fix)
		}
	}
	return said(code)
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return surroundings(err)
	}
	return nil
}

// completeKernels offers the names of the kernels here to the shell.
func completeKernels(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	specs, _ := local.List(nil)
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name + "\t" + s.DisplayName
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
