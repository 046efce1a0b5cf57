package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay/internal/durable"
	"assay/nbformat/percent"
	"assay/notebooks"
	"assay/runs"
)

func newConvert() *cobra.Command {
	var to, ext string
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "a notebook as a # %% script, and back",
		Long: `Convert between .ipynb and scripts in the percent format, byte for byte as jupytext
does, for every language that it knows. The extensions say which way; where one
side is -, --to says it, and --ext the language of the script.`,
		Example: "  assay convert report.ipynb report.py\n  assay convert report.py report.ipynb\n  assay convert --to percent report.ipynb -",
		Args:    arguments(2, 2, "IN and OUT"),
		RunE:    func(_ *cobra.Command, args []string) error { return convert(args[0], args[1], to, ext) },
	}
	c.Flags().StringVar(&to, "to", "", "`FORM` to convert to where one side is -: percent or ipynb")
	c.RegisterFlagCompletionFunc("to", oneOf("percent", "ipynb"))
	c.Flags().StringVar(&ext, "ext", "", "extension `.EXT` of the script where it has no name: .py, .R, …")
	return c
}

func convert(in, out, to, ext string) error {
	if notebooks.Same(in, out) {
		return usage("choose another OUT", "%s and %s are the same file", in, out)
	}
	if to == "" {
		switch {
		case percent.IsScript(out) || percent.IsScript(in) && filepath.Ext(out) != ".ipynb" && out != "-":
			to = "percent"
		case filepath.Ext(out) == ".ipynb", percent.IsScript(in):
			to = "ipynb"
		case out == "-" && filepath.Ext(in) == ".ipynb":
			to = "percent"
		default:
			return usage("assay converts between .ipynb and scripts (.py, .R, .jl, …); where a name does not say it: --to percent or --to ipynb", "neither %s nor %s says what to convert to", in, out)
		}
	}
	data, err := readInput(in)
	if err != nil {
		return err
	}
	made, err := converted(in, out, to, ext, data)
	if err != nil {
		return err
	}
	return writeOutput(out, made)
}

func converted(in, out, to, ext string, data []byte) ([]byte, error) {
	switch to {
	case "percent", "py:percent":
		d, err := runs.Parse(in, data)
		if err != nil {
			return nil, err
		}
		switch {
		case ext == "" && percent.IsScript(out):
			ext = filepath.Ext(out)
		case ext == "":
			ext = percent.Extension(d)
		}
		return percent.Write(d, ext, nil)
	case "ipynb", "notebook":
		if ext == "" {
			ext = filepath.Ext(in)
		}
		if in == "-" && ext == "" {
			ext = ".py"
		}
		if strings.EqualFold(ext, ".ipynb") {
			_, err := runs.Parse(in, data) // a copy, but of a notebook only
			return data, err
		}
		d, err := percent.Read(data, ext)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in, err)
		}
		return d.Bytes(), nil
	}
	return nil, usage("percent or ipynb", "--to %s is not known", to)
}

func readInput(name string) ([]byte, error) {
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(os.Stdin)
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, &exitError{code: exitSurroundings, err: err, hint: inputHint(err, name)}
	}
	return data, nil
}

// oneOf offers the values of a flag to the shell.
func oneOf(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// writeOutput writes a file whole or not at all, or stdout.
func writeOutput(name string, data []byte) error {
	var err error
	if name == "-" {
		_, err = os.Stdout.Write(data)
	} else {
		err = durable.WriteFile(name, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
	}
	if err != nil {
		return &exitError{code: exitSurroundings, err: err, hint: fileHint(err, filepath.Dir(name))}
	}
	return nil
}
