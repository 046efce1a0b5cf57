package percent

import (
	"slices"
	"strings"
)

// A filter says which metadata keys are written: `tags,-name,-all`. A key
// `a.b` is about b within a.
type filter struct {
	all, none        bool     // everything is added, or taken away
	added, takenAway []string // the keys named
}

// scriptMetadata is what a header holds unless a filter says otherwise.
var scriptMetadata = []string{"jupytext", "kernelspec", "kernel_info", "orphan", "tocdepth"}

// unwrittenKeys are the cell metadata that only the notebook has.
var unwrittenKeys = append([]string{"autoscroll", "collapsed", "scrolled", "trusted", "execution", "ExecuteTime"}, layoutKeys...)

// parseFilter reads a filter as jupytext's options have it: a text, true or
// false for everything or nothing, or an object from older versions.
func parseFilter(v any) filter {
	switch v := v.(type) {
	case bool:
		return filter{all: v, none: !v}
	case string:
		return parseFilterText(v)
	case *object:
		var f filter
		f.all, f.none = v.get("additional") == "all", v.get("excluded") == "all"
		f.added, f.takenAway = v.strings("additional"), v.strings("excluded")
		return f
	}
	return filter{}
}

func parseFilterText(text string) filter {
	var f filter
	for _, key := range strings.Split(text, ",") {
		key = strip(key)
		if rest, ok := strings.CutPrefix(key, "-"); ok {
			f.takenAway = append(f.takenAway, strip(rest))
		} else {
			f.added = append(f.added, strip(strings.TrimPrefix(key, "+")))
		}
	}
	isEmpty := func(s string) bool { return s == "" }
	f.all, f.none = slices.Contains(f.added, "all"), slices.Contains(f.takenAway, "all")
	f.added, f.takenAway = slices.DeleteFunc(f.added, isEmpty), slices.DeleteFunc(f.takenAway, isEmpty)
	return f
}

// String is the filter as an option. Keys about layout are never added.
func (f filter) String() string {
	var parts []string
	if f.all {
		parts = append(parts, "all")
	} else {
		for _, k := range f.added {
			if !slices.Contains(layoutKeys, k) {
				parts = append(parts, k)
			}
		}
	}
	if f.none {
		parts = append(parts, "-all")
	} else {
		for _, k := range f.takenAway {
			parts = append(parts, "-"+k)
		}
	}
	return strings.Join(parts, ",")
}

// notebook applies the filter to a notebook's metadata: by default a few keys.
func (f filter) notebook(meta *object) *object {
	switch {
	case f.all:
		return subset(meta, nil, f.takenAway)
	case f.none:
		return subset(meta, ptr(f.added), nil)
	}
	return subset(meta, ptr(slices.Concat(f.added, scriptMetadata)), f.takenAway)
}

// cell applies the filter to a cell's metadata: by default most keys.
func (f filter) cell(meta *object) *object {
	switch {
	case f.all:
		return subset(meta, nil, f.takenAway)
	case f.none:
		return subset(meta, ptr(f.added), nil)
	}
	out := slices.Clone(f.takenAway)
	for _, k := range unwrittenKeys {
		if !slices.Contains(f.added, k) {
			out = append(out, k)
		}
	}
	if meta.has("tags") && !truthy(meta.get("tags")) {
		out = append(out, "tags")
	}
	return subset(meta, nil, out)
}

func ptr(s []string) *[]string { return &s }

// subset keeps the keys of keep (nil: all) but those of drop. Keys that a
// marker cannot hold are never kept.
func subset(meta *object, keep *[]string, drop []string) *object {
	out := &object{}
	for _, k := range meta.all() {
		if isMetadataKey(k) && (keep == nil || slices.Contains(*keep, k)) {
			out.set(k, meta.get(k))
		}
	}
	if keep != nil {
		sub := within(*keep)
		for _, k := range meta.all() {
			if o := meta.object(k); o != nil && sub[k] != nil && isMetadataKey(k) {
				out.set(k, subset(o, ptr(sub[k]), nil))
			}
		}
	}
	for _, k := range drop {
		out.remove(k)
	}
	for k, keys := range within(drop) {
		if o := out.object(k); o != nil {
			out.set(k, subset(o, nil, keys))
		}
	}
	return out
}

// within sorts the keys `a.b` by their a.
func within(keys []string) map[string][]string {
	var m map[string][]string
	for _, k := range keys {
		if left, right, ok := strings.Cut(k, "."); ok {
			if m == nil {
				m = map[string][]string{}
			}
			m[left] = append(m[left], right)
		}
	}
	return m
}

// noteFilters records in the metadata read from a script which keys were
// there, so that writing it again adds none. cellKeys are those of its cells.
func noteFilters(meta *object, hasHeader bool, cellKeys []string) {
	jupytext := meta.object("jupytext")
	switch {
	case !hasHeader:
		jupytext = meta.within("jupytext")
		jupytext.set("notebook_metadata_filter", "-all")
		if !jupytext.has("cell_metadata_filter") {
			jupytext.set("cell_metadata_filter", filter{added: cellKeys, none: true}.String())
		}
	case jupytext.has("cell_metadata_filter"):
		f := parseFilter(jupytext.get("cell_metadata_filter"))
		f.takenAway = slices.DeleteFunc(f.takenAway, func(k string) bool { return slices.Contains(cellKeys, k) })
		for _, k := range cellKeys {
			if !slices.Contains(f.added, k) {
				f.added = append(f.added, k)
			}
		}
		jupytext.set("cell_metadata_filter", f.String())
	default:
		noteNotebookFilter(meta)
	}
}

func noteNotebookFilter(meta *object) {
	text, _ := meta.object("jupytext").text("notebook_metadata_filter")
	keys := slices.DeleteFunc(strings.Split(text, ","), func(s string) bool { return s == "" })
	if slices.Contains(keys, "all") || slices.Contains(keys, "-all") {
		return
	}
	for _, k := range meta.all() {
		if !slices.Contains(scriptMetadata, k) && !slices.Contains(keys, k) && !slices.Contains(keys, "-"+k) {
			keys = append(keys, k)
		}
	}
	if len(keys) > 0 {
		meta.within("jupytext").set("notebook_metadata_filter", strings.Join(keys, ","))
	}
}
