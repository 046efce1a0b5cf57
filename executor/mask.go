package executor

import (
	"bytes"
	"slices"
	"strings"

	"assay/nbformat"
)

// masker replaces secrets' values by "[secret NAME]". A nil masker changes nothing.
type masker struct {
	secrets []Secret // longest value first
}

func newMasker(secrets []Secret) *masker {
	k := &masker{}
	for _, s := range secrets {
		if s.Value != "" {
			k.secrets = append(k.secrets, s)
		}
	}
	if len(k.secrets) == 0 {
		return nil
	}
	slices.SortStableFunc(k.secrets, func(a, b Secret) int { return len(b.Value) - len(a.Value) })
	return k
}

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

// find is the first secret in s: the earliest, of those the longest.
func (k *masker) find(s string) (at int, found Secret, ok bool) {
	for _, secret := range k.secrets {
		window := s
		if ok {
			window = s[:min(len(s), at+len(secret.Value)-1)]
		}
		if i := strings.Index(window, secret.Value); i >= 0 && (!ok || i < at) {
			at, found, ok = i, secret, true
		}
	}
	return at, found, ok
}

func (k *masker) text(s string, seen names) string {
	if k == nil {
		return s
	}
	at, secret, ok := k.find(s)
	if !ok {
		return s
	}
	var out strings.Builder
	for ok {
		seen[secret.Name] = true
		out.WriteString(s[:at])
		out.WriteString("[secret " + secret.Name + "]")
		s = s[at+len(secret.Value):]
		at, secret, ok = k.find(s)
	}
	out.WriteString(s)
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
	for {
		at, secret, ok := k.find(all[from:])
		if !ok {
			break
		}
		found, seen[secret.Name] = true, true
		at += from
		keep(at)
		reach(at)
		out[i].WriteString("[secret " + secret.Name + "]")
		from = at + len(secret.Value)
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
	s = l.held + s
	var out strings.Builder
	for {
		at, secret, ok := k.find(s)
		if !ok {
			break
		}
		seen[secret.Name] = true
		out.WriteString(s[:at] + "[secret " + secret.Name + "]")
		s = s[at+len(secret.Value):]
	}
	hold := 0
	for _, secret := range k.secrets {
		for n := min(len(s), len(secret.Value)-1); n > hold; n-- {
			if strings.HasSuffix(s, secret.Value[:n]) {
				hold = n
			}
		}
	}
	out.WriteString(s[:len(s)-hold])
	l.held = s[len(s)-hold:]
	return out.String()
}
