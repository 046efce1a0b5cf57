package main

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay/notebooks"
	"assay/scraps"
)

func scrapFormats() []string { return []string{"table", "json", "csv"} }

// scrapsFlags are the flags of scraps.
type scrapsFlags struct {
	format string
	names  []string
	json   bool
}

func newScraps() *cobra.Command {
	f := &scrapsFlags{}
	c := &cobra.Command{
		Use:   "scraps PATH…",
		Short: "the named values that notebooks glued",
		Long: `Print the scraps of notebooks: what scrapbook's or assay's glue recorded while they
ran, tables included, and papermill's older records. PATH is a notebook, any
reference that run takes, a folder or a pattern ('runs/*.ipynb'). One that cannot
be read is named and passed over (exit 3; 2 when it is no notebook).`,
		Example: "  assay scraps out.ipynb\n  assay scraps runs/ --format csv\n  assay scraps --name health_score --format json 'runs/*.ipynb'",
		Args:    arguments(1, -1, "the notebooks"),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c.Context(), args) },
	}
	c.Flags().StringVar(&f.format, "format", "table", "`FORMAT`: table, json or csv")
	c.RegisterFlagCompletionFunc("format", oneOf(scrapFormats()...))
	c.Flags().BoolVar(&f.json, "json", false, "the same as --format json")
	c.Flags().StringArrayVar(&f.names, "name", nil, "only the scraps called `NAME`; may be repeated")
	return c
}

func (f *scrapsFlags) run(ctx context.Context, args []string) error {
	if f.json {
		f.format = "json"
	}
	if !slices.Contains(scrapFormats(), f.format) {
		return usage("table, json or csv", "no format %q", f.format)
	}
	refs, err := expandPatterns(args)
	if err != nil {
		return err
	}
	var sources []scraps.Source
	missing, code := slices.Clone(f.names), exitOK
	for _, ref := range refs {
		src, err := f.source(ctx, ref)
		if err != nil {
			code = max(code, report(err))
			continue
		}
		for _, s := range src.Scraps {
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == s.Name })
		}
		sources = append(sources, src)
	}
	if len(sources) == 0 {
		return said(code)
	}
	if len(missing) > 0 && code == exitOK {
		return &exitError{code: exitFailed, err: fmt.Errorf("no scrap called %s in %s", strings.Join(missing, ", "), strings.Join(args, ", ")), hint: "assay scraps " + args[0] + " lists what there is"}
	}
	if err := f.write(sources); err != nil {
		return err
	}
	return said(code)
}

func (f *scrapsFlags) source(ctx context.Context, ref string) (scraps.Source, error) {
	d, _, err := readNotebook(ctx, ref)
	if err != nil {
		return scraps.Source{}, err
	}
	found, warnings, err := scraps.FindWith(d, nil)
	if err != nil {
		return scraps.Source{}, &exitError{code: exitUsage, err: scraps.InNotebook(err, ref)}
	}
	for _, w := range warnings {
		note("warning: %s: %s", ref, w)
	}
	if len(f.names) > 0 {
		found = slices.DeleteFunc(found, func(s scraps.Scrap) bool { return !slices.Contains(f.names, s.Name) })
	}
	return scraps.Source{Notebook: notebooks.Redact(ref), Scraps: found}, nil
}

func (f *scrapsFlags) write(sources []scraps.Source) error {
	return answer(func(w *bufio.Writer) error {
		var err error
		switch f.format {
		case "json":
			err = scraps.WriteJSON(w, sources, nil)
		case "csv":
			err = scraps.WriteCSV(w, sources, nil)
		default:
			err = scraps.WriteText(w, forPeople(sources), 0, nil)
		}
		if err != nil {
			return &exitError{code: exitUsage, err: err}
		}
		return nil
	})
}

// forPeople is sources without what would steer a terminal or break a table;
// names and values WriteText cleans itself.
func forPeople(sources []scraps.Source) []scraps.Source {
	clean := slices.Clone(sources)
	for i := range clean {
		clean[i].Notebook = inLine(clean[i].Notebook)
		clean[i].Scraps = slices.Clone(clean[i].Scraps)
		for k := range clean[i].Scraps {
			s := &clean[i].Scraps[k]
			s.Encoder = inLine(s.Encoder)
		}
	}
	return clean
}

// inLine is a name from a file as it may stand in a table for people.
func inLine(s string) string { return safeText(strings.Join(strings.Fields(s), " ")) }

// expandPatterns names the notebooks that references, folders and patterns mean.
func expandPatterns(args []string) ([]string, error) {
	var refs []string
	for _, arg := range args {
		if _, local := notebooks.IsLocal(arg); !local || exists(arg) && !isDir(arg) {
			refs = append(refs, arg)
			continue
		}
		if !isDir(arg) && strings.ContainsAny(arg, "*?[") {
			found, err := filepath.Glob(arg)
			if err != nil {
				return nil, usage("a bracket that belongs to the name is written [[]", "pattern %s: %v", arg, err)
			}
			if len(found) == 0 {
				return nil, usage("a folder is walked: assay scraps runs/", "nothing matches %s", arg)
			}
			refs = append(refs, found...)
			continue
		}
		found, err := expand([]string{arg})
		if err != nil {
			return nil, err
		}
		refs = append(refs, found...)
	}
	return refs, nil
}
