package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"assay/nbformat/strip"
)

const stripLong = `Take outputs, execution counts and passing metadata out of notebooks, in place, by
the rules and with the flags of nbstripout. Nothing else changes: every other byte
stays, and a notebook with nothing to strip is not touched. Names the notebooks that
changed. Folders are walked for .ipynb; - is stdin to stdout, always said.

What goes: the outputs of all code cells, all counts, metadata.signature and .widgets,
and of the cells' metadata collapsed, ExecuteTime, execution, heading_collapsed, hidden
and scrolled. What a cell says of itself comes first: metadata init_cell, then
keep_output there or as a tag; then --keep-output, then the notebook's own metadata
keep_output. Cell ids stay; --sequential-id makes them 0, 1, … as nbstripout does.
Notebooks of nbformat 1 to 4 and of Zeppelin (.zpln) are taken.

The keys of git's configuration filter.assay.extrakeys and .keepmetadatakeys are read
too, and those of filter.nbstripout. Exit 1 when --verify finds something, 2 when a
file is no notebook or a cell contradicts itself, 3 when one cannot be read or written;
the others are stripped all the same.`

const stripExample = `  assay strip report.ipynb
  assay strip --verify notebooks/
  assay strip - < a.ipynb > b.ipynb
  assay strip --extra-keys "metadata.language_info.version cell.metadata.papermill" *.ipynb
  assay strip --keep-output-type "error stream:stderr" --max-size 10k report.ipynb`

func newStrip() *cobra.Command {
	s := &stripper{}
	c := &cobra.Command{
		Use:     "strip PATH…",
		Short:   "outputs, counts and passing metadata out of notebooks, in place",
		Long:    stripLong,
		Example: stripExample,
		Args:    arguments(1, -1, "the notebooks; - is stdin"),
		RunE:    func(c *cobra.Command, args []string) error { return s.run(c.Context(), args) },
	}
	s.flags(c)
	return c
}

// stripper is one call of assay strip.
type stripper struct {
	options strip.Options

	types, dropTypes, extra, keep, tags []string
	maxSize, mode                       string
	keepID, zeppelin                    bool

	verify, dryRun, json, quiet   bool
	textconv, force, unixNewlines bool

	addKeys func() // what git's configuration adds to options, once it is known
}

func (s *stripper) flags(c *cobra.Command) {
	f, o := c.Flags(), &s.options
	f.BoolVar(&s.verify, "verify", false, "only say what would go and where; exit 1 if there is anything")
	f.BoolVar(&s.verify, "check", false, "the same as --verify")
	f.BoolVar(&s.dryRun, "dry-run", false, "only say what would go and where")
	f.BoolVar(&s.json, "json", false, "one JSON object for each thing that goes")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "do not name the notebooks")
	f.BoolVarP(&s.textconv, "textconv", "t", false, "print the stripped notebooks and change no file")
	f.BoolVarP(&s.force, "force", "f", false, "take files too that do not end in .ipynb or .zpln")
	f.BoolVar(&o.KeepCount, "keep-count", false, "keep execution counts")
	f.BoolVar(&o.KeepOutput, "keep-output", false, "keep outputs, but for those of cells that say otherwise")
	f.StringArrayVar(&s.types, "keep-output-type", nil, "keep outputs of these `TYPES`: error, stream, stream:stderr, …; several in quotes")
	f.StringArrayVar(&s.dropTypes, "drop-output-type", nil, "drop outputs of these `TYPES` where outputs are kept")
	f.StringVar(&s.maxSize, "max-size", "0", "keep outputs of at most `SIZE` characters: 500, 10k, 1M")
	f.StringArrayVar(&s.extra, "extra-keys", nil, "more metadata `KEYS` to drop: metadata.NAME, cell.metadata.NAME")
	f.StringArrayVar(&s.keep, "keep-metadata-keys", nil, "metadata `KEYS` to keep")
	f.BoolVar(&o.DropEmpty, "drop-empty-cells", false, "drop cells without text")
	f.StringArrayVar(&s.tags, "drop-tagged-cells", nil, "drop cells that have one of these `TAGS`")
	f.BoolVar(&o.StripInit, "strip-init-cells", false, "drop the outputs of initialisation cells (metadata init_cell) too")
	f.BoolVar(&s.keepID, "keep-id", false, "keep cell ids, as is the default here")
	f.BoolVar(&o.SequentialIDs, "sequential-id", false, "renumber cell ids 0, 1, …, as nbstripout does")
	f.BoolVar(&s.unixNewlines, "unix-newlines", false, "make all line ends of the files line feeds")
	f.StringVarP(&s.mode, "mode", "m", "", "`FORM` of the files where their names do not say it: jupyter or zeppelin")
	f.BoolVar(&s.zeppelin, "zeppelin", false, "the same as --mode zeppelin")
	c.RegisterFlagCompletionFunc("mode", oneOf("jupyter", "zeppelin"))
	c.RegisterFlagCompletionFunc("keep-output-type", oneOf(outputTypes...))
	c.RegisterFlagCompletionFunc("drop-output-type", oneOf(outputTypes...))
}

var outputTypes = []string{"stream", "stream:stdout", "stream:stderr", "display_data", "execute_result", "error"}

// settle makes the options of what the flags say.
func (s *stripper) settle() error {
	if s.zeppelin {
		s.mode = "zeppelin"
	}
	switch {
	case s.mode != "" && s.mode != "jupyter" && s.mode != "zeppelin":
		return usage("jupyter or zeppelin", "--mode %s is not known", s.mode)
	case s.keepID && s.options.SequentialIDs:
		return usage("leave one of them out", "--keep-id and --sequential-id cannot both be")
	case s.json && s.textconv && !s.reports():
		return usage("leave one of them out", "the notebooks and --json cannot both go to stdout")
	}
	size, err := strip.ParseSize(s.maxSize)
	if err != nil {
		return usage("for example: --max-size 10k", "--max-size: %v", err)
	}
	o := &s.options
	o.MaxSize, o.KeepTypes, o.DropTypes, o.DropTags = size, words(s.types, ","), words(s.dropTypes, ","), words(s.tags, "")
	o.Keys, o.KeepKeys = words(s.extra, ""), words(s.keep, "")
	warnOfKeys(o.Keys)
	return nil
}

func warnOfKeys(keys []string) {
	for _, key := range keys {
		if why := strip.CheckKey(key); why != "" {
			note("assay: extra key %s is passed over: %s", key, why)
		}
	}
}

// askGit starts to ask git, so that it answers while the first notebook is read.
func (s *stripper) askGit(ctx context.Context) {
	answer := make(chan stripKeys, 1)
	go func() { answer <- gitStripKeys(ctx) }()
	s.addKeys = sync.OnceFunc(func() {
		keys := <-answer
		warnOfKeys(keys.extra)
		s.options.Keys = append(s.options.Keys, keys.extra...)
		s.options.KeepKeys = append(s.options.KeepKeys, keys.keep...)
	})
}

// reports tells whether no notebook is written, but only what would go.
func (s *stripper) reports() bool { return s.verify || s.dryRun }

// words splits the values of a flag at space, and at more where it is given.
func words(values []string, more string) []string {
	var all []string
	for _, v := range values {
		all = append(all, strings.FieldsFunc(v, func(r rune) bool {
			return strings.TrimSpace(string(r)) == "" || strings.ContainsRune(more, r)
		})...)
	}
	return all
}

// stripKeys are the metadata keys of git's configuration.
type stripKeys struct{ extra, keep []string }

// gitStripKeys asks git for the keys of nbstripout's settings and of ours: of a
// name that is set many times the last, as git has it. Without git, or with none set, there are none.
func gitStripKeys(ctx context.Context) stripKeys {
	var keys stripKeys
	out, err := exec.CommandContext(ctx, "git", "config", "-z", "--get-regexp", `^filter\.(nbstripout|assay)\.(extrakeys|keepmetadatakeys)$`).Output()
	if err != nil {
		return keys
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(entry, "\n")
		switch name {
		case "filter.nbstripout.extrakeys", "filter.assay.extrakeys":
			keys.extra = strings.Fields(value)
		case "filter.nbstripout.keepmetadatakeys", "filter.assay.keepmetadatakeys":
			keys.keep = strings.Fields(value)
		}
	}
	return keys
}

// misplacedType tells whether a file that is not there was meant as one more type of output.
func (s *stripper) misplacedType(name string) bool {
	return (len(s.types) > 0 || len(s.dropTypes) > 0) && slices.Contains(outputTypes, name) && !exists(name)
}
