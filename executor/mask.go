package executor

import (
	"bytes"
	"slices"
	"strings"

	"assay/nbformat"
)

// names collects which secrets were masked.
type names map[string]bool

func (n names) sorted() []string {
	var all []string
	for name := range n {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func mark(name string) string { return "[secret " + name + "]" }

func (k *masker) text(s string, seen names) string {
	if k == nil {
		return s
	}
	at, n, ok := k.find(s, 0, false)
	if !ok {
		return s
	}
	var out strings.Builder
	from := 0
	for ok {
		seen[n.name] = true
		out.WriteString(s[from:at])
		out.WriteString(mark(n.name))
		from = at + len(n.text)
		at, n, ok = k.find(s, from, false)
	}
	out.WriteString(s[from:])
	return out.String()
}

// json masks inside every string of the JSON value raw, keys too, however it
// is escaped, and every number that contains a secret.
func (k *masker) json(raw []byte, seen names) []byte {
	if k == nil {
		return raw
	}
	var out []byte
	kept := 0 // raw[:kept] is in out
	for i := 0; i < len(raw); {
		end := i + 1
		var value string
		switch c := raw[i]; {
		case c == '"':
			if end = stringEnd(raw, i); end < 0 {
				end = len(raw) // no JSON: better masked as one text
				value = string(raw[i:])
			} else if value = view(raw[i+1 : end-1]); bytes.IndexByte(raw[i:end], '\\') >= 0 {
				value = text(raw[i:end])
			}
		case c == '-' || '0' <= c && c <= '9':
			end = max(valueEnd(raw, i), i+1)
			value = view(raw[i:end])
		}
		if masked := k.text(value, seen); masked != value {
			out = append(out, raw[kept:i]...)
			out = appendQuoted(out, masked)
			kept = end
		}
		i = end
	}
	if kept == 0 {
		return raw
	}
	return append(out, raw[kept:]...)
}

// outputs masks what a cell is about to show. Streams of one name count as
// one text, whatever stands between them.
func (k *masker) outputs(all []nbformat.Output, seen names) {
	if k == nil {
		return
	}
	streams := map[string][]*string{}
	for i := range all {
		o := &all[i]
		switch o.Type {
		case nbformat.StreamOutput:
			streams[o.Name] = append(streams[o.Name], &o.Text)
		case nbformat.ErrorOutput:
			o.Ename, o.Evalue = k.text(o.Ename, seen), k.text(o.Evalue, seen)
			o.Traceback = k.lines(o.Traceback, seen)
		default:
			o.Data, o.Metadata = k.json(o.Data, seen), k.json(o.Metadata, seen)
		}
	}
	for _, parts := range streams {
		k.parts(parts, seen)
	}
}

func (k *masker) lines(lines []string, seen names) []string {
	if k == nil {
		return lines
	}
	out := make([]string, len(lines))
	parts := make([]*string, len(lines))
	for i, line := range lines {
		out[i] = line
		if i < len(lines)-1 {
			out[i] += "\n" // a secret of several lines
		}
		parts[i] = &out[i]
	}
	k.parts(parts, seen)
	for i := range out {
		if i < len(lines)-1 {
			out[i] = strings.TrimSuffix(out[i], "\n")
		}
	}
	return out
}

// parts masks the texts as if they were one; a match that spans several is
// replaced in the first.
func (k *masker) parts(parts []*string, seen names) {
	if len(parts) == 1 {
		*parts[0] = k.text(*parts[0], seen)
		return
	}
	ends, size := make([]int, len(parts)), 0
	for i, p := range parts {
		size += len(*p)
		ends[i] = size
	}
	var joined strings.Builder
	joined.Grow(size)
	for _, p := range parts {
		joined.WriteString(*p)
	}
	all, from := joined.String(), 0
	out, i := make([]strings.Builder, len(parts)), 0
	reach := func(at int) {
		for at >= ends[i] {
			i++
		}
	}
	keep := func(to int) {
		for from < to {
			reach(from)
			n := min(to, ends[i])
			out[i].WriteString(all[from:n])
			from = n
		}
	}
	found := false
	for at, n, ok := k.find(all, 0, false); ok; at, n, ok = k.find(all, from, false) {
		found, seen[n.name] = true, true
		keep(at)
		reach(at)
		out[i].WriteString(mark(n.name))
		from = at + len(n.text)
	}
	if !found {
		return
	}
	keep(len(all))
	for i := range parts {
		*parts[i] = out[i].String()
	}
}

// liveMask masks a text that comes in pieces: what may be the beginning of a
// secret is held back until the next piece.
type liveMask struct{ held string }

func (l *liveMask) push(k *masker, s string, seen names) string {
	if l.held != "" {
		s = l.held + s
		l.held = ""
	}
	at, n, ok := k.find(s, 0, true)
	if !ok {
		return s
	}
	var out strings.Builder
	from := 0
	for ; ok; at, n, ok = k.find(s, from, true) {
		out.WriteString(s[from:at])
		if n.text == "" {
			l.held = s[at:]
			return out.String()
		}
		seen[n.name] = true
		out.WriteString(mark(n.name))
		from = at + len(n.text)
	}
	out.WriteString(s[from:])
	return out.String()
}

// rest is what was held back, when nothing follows: a secret may stand in it,
// where a longer one could have begun at the same place.
func (l *liveMask) rest(k *masker, seen names) string {
	held := l.held
	l.held = ""
	return k.text(held, seen)
}
