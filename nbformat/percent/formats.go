package percent

import (
	"slices"
	"strings"
)

// A pairing is one entry of metadata.jupytext.formats: `dir//prefix.py:percent`.
type pairing struct {
	prefix, suffix, ext, format string
	hasPrefix, hasSuffix        bool
}

var (
	textExtensions = []string{".ipynb", ".md", ".markdown", ".Rmd", ".qmd", ".myst", ".mystnb", ".mnb", ".auto"}
	textFormats    = []string{
		"markdown", "rmarkdown", "light", "nomarker", "percent", "hydrogen", "spin", "sphinx", "pandoc", "quarto",
		"marimo", "myst",
	}
	formatNames = map[string]string{
		"notebook": "ipynb", "rmarkdown": "Rmd", "quarto": "qmd", "marimo": "py", "markdown": "md",
		"script": "auto", "c++": "cpp", "myst": "md:myst", "pandoc": "md:pandoc",
	}
)

func isTextExtension(ext string) bool {
	_, script := kindOf(ext)
	return script || slices.Contains(textExtensions, ext)
}

// parsePairing reads one entry; what does not name an extension is refused.
func parsePairing(s string, meta *object) (p pairing, ok bool) {
	if name, known := formatNames[strings.ToLower(s)]; known {
		s = name
	}
	if i := strings.LastIndexByte(s, '/'); i > 0 {
		p.prefix, p.hasPrefix, s = s[:i], true, s[i+1:]
	}
	ext := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		ext, p.format = s[:i], s[i+1:]
		if p.format == "bare" {
			p.format = "nomarker"
		}
	}
	if i := strings.LastIndexByte(ext, '.'); i > 0 {
		p.suffix, p.hasSuffix, ext = ext[:i], true, ext[i:]
	}
	if !strings.HasPrefix(ext, ".") {
		ext = "." + ext
	}
	if auto := autoExtension(meta); ext == ".auto" && meta != nil {
		if ext = auto; ext == "" {
			return p, false
		}
	}
	p.ext = ext
	return p, isTextExtension(ext) && (p.format == "" || slices.Contains(textFormats, p.format))
}

func (p pairing) String() string {
	s := strings.TrimPrefix(p.ext, ".")
	if p.hasSuffix {
		s = p.suffix + p.ext
	}
	if p.hasPrefix {
		s = p.prefix + "/" + s
	}
	markdown := p.ext == ".md" || p.ext == ".markdown" || p.ext == ".Rmd"
	if p.format != "" && (!markdown || p.format == "pandoc" || p.format == "myst") {
		s += ":" + p.format
	}
	return s
}

// parsePairings reads the whole option, nil when an entry is not understood.
func parsePairings(v any, meta *object) []pairing {
	var entries []string
	switch v := v.(type) {
	case string:
		entries = strings.Split(v, ",")
	case []any:
		for _, e := range v {
			entries = append(entries, asText(e))
		}
	}
	var out []pairing
	for _, e := range entries {
		if e == "" {
			continue
		}
		p, ok := parsePairing(e, meta)
		if !ok {
			return nil
		}
		out = append(out, p)
	}
	return out
}

func formatPairings(list []pairing) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.String()
	}
	return strings.Join(parts, ",")
}

// pairedFormat is the format that the option names for scripts of ext.
func pairedFormat(meta *object, ext string) string {
	for _, p := range parsePairings(meta.object("jupytext").get("formats"), nil) {
		if p.ext == ext {
			return p.format
		}
	}
	return ""
}

// settlePairing names the percent format in the entry for scripts of ext.
func settlePairing(meta *object, ext, format string) {
	list := parsePairings(meta.object("jupytext").get("formats"), nil)
	for i, p := range list {
		if p.ext == ext && !p.hasPrefix && !p.hasSuffix {
			list[i].format = format
			break
		}
	}
	if len(list) > 0 {
		meta.object("jupytext").set("formats", formatPairings(list))
	}
}

// tidyOptions brings metadata.jupytext to today's form: older versions had
// other names and places for its members.
func tidyOptions(meta *object) {
	for _, k := range [...]string{"formats", "format_version"} {
		if v, ok := meta.take("nbrmd_" + k); ok {
			meta.set("jupytext_"+k, v)
		}
	}
	jupytext := meta.object("jupytext")
	if jupytext == nil {
		jupytext = &object{}
	}
	if v, ok := meta.take("jupytext_formats"); ok {
		jupytext.set("formats", v)
	}
	if v, ok := meta.take("jupytext_format_version"); ok {
		text := &object{}
		text.set("format_version", v)
		jupytext.set("text_representation", text)
	}
	for _, k := range [...]string{"main_language", "encoding", "executable"} {
		if v, ok := meta.take(k); ok {
			jupytext.set(k, v)
		}
	}
	tidyFilters(jupytext)
	if v := jupytext.get("formats"); truthy(v) {
		if list := parsePairings(v, meta); list != nil {
			jupytext.set("formats", formatPairings(list))
		}
	}
	if jupytext.len() > 0 {
		meta.set("jupytext", jupytext)
	}
}

func tidyFilters(jupytext *object) {
	filters := jupytext.object("metadata_filter")
	jupytext.remove("metadata_filter")
	if filters.has("notebook") {
		jupytext.set("notebook_metadata_filter", filters.get("notebook"))
	}
	if filters.has("cells") {
		jupytext.set("cell_metadata_filter", filters.get("cells"))
	}
	for _, k := range [...]string{"notebook_metadata_filter", "cell_metadata_filter"} {
		if o := jupytext.object(k); o != nil {
			jupytext.set(k, parseFilter(o).String())
		}
	}
}
