package percent

import (
	"slices"
	"strings"
)

// Options set what a script looks like. They win over metadata.jupytext of the
// notebook, and the script's header has them then.
type Options struct {
	// CommentMagics is whether magics become comments; nil leaves it to the
	// notebook, whose default is yes.
	CommentMagics *bool
	// CellMarkers encloses markdown and raw cells: `"""` or `'''`.
	CellMarkers string
	// NotebookMetadata and CellMetadata filter what is written, as in
	// `tags,-name` or `-all`.
	NotebookMetadata, CellMetadata string
}

// apply notes the options in the notebook's metadata.
func (o *Options) apply(meta *object) {
	if o == nil {
		return
	}
	if o.CommentMagics != nil {
		meta.within("jupytext").set("comment_magics", *o.CommentMagics)
	}
	for key, value := range map[string]string{
		"cell_markers":             o.CellMarkers,
		"notebook_metadata_filter": o.NotebookMetadata,
		"cell_metadata_filter":     o.CellMetadata,
	} {
		if value != "" {
			meta.within("jupytext").set(key, value)
		}
	}
}

// Names of the formats that share the `# %%` marker: in hydrogen magics are
// left as they are, and `%%lang` does not change a cell's language.
const (
	percentFormat  = "percent"
	hydrogenFormat = "hydrogen"
)

// Versions of the format: the one written, the oldest one read.
const (
	formatVersion    = "1.3"
	minFormatVersion = "1.1"
	// jupytextVersion is the release whose text this package reproduces.
	jupytextVersion = "1.19.6"
)

// A format is a kind of script with the options that one notebook has for it.
type format struct {
	scriptKind
	name          string
	commentMagics bool
	asJSON        bool     // cell metadata as one JSON object
	markers       string   // around cells that are not code
	headerAsCell  bool     // YAML outside of `jupyter:` is a raw cell
	cellFilter    filter   // of cell metadata
	metaFilter    filter   // of notebook metadata
	custom        []string // more names for `%%name` cells
}

func newFormat(kind scriptKind, name string, jupytext *object) *format {
	f := &format{scriptKind: kind, name: name, commentMagics: name == percentFormat, headerAsCell: true}
	if v := jupytext.get("comment_magics"); jupytext.has("comment_magics") {
		f.commentMagics = truthy(v)
	}
	if v := jupytext.get("root_level_metadata_as_raw_cell"); jupytext.has("root_level_metadata_as_raw_cell") {
		f.headerAsCell = truthy(v)
	}
	f.asJSON = truthy(jupytext.get("cell_metadata_json"))
	f.markers, _ = jupytext.text("cell_markers")
	f.cellFilter = parseFilter(jupytext.get("cell_metadata_filter"))
	f.metaFilter = parseFilter(jupytext.get("notebook_metadata_filter"))
	for _, k := range [...]string{"custom_cell_magics", "custom_language_magics"} {
		if s, _ := jupytext.text(k); s != "" {
			f.custom = append(f.custom, strings.Split(s, ",")...)
		}
	}
	return f
}

func activeTag(tag string) (string, bool) {
	return tag, strings.HasPrefix(tag, "active-")
}

// contains says whether name is one of the parts of list.
func contains(list, separators, name string) bool {
	return slices.Contains(strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(separators, r) }), name)
}
