package nbdiff

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"assay/nbformat"
)

// outputRows shows what became of an output; a and b are all outputs of the cell.
func outputRows(a, b []nbformat.Value, o *OutputDiff, s shape) []row {
	switch o.Kind {
	case Added:
		out := b[o.B]
		return append([]row{{sign: '#', text: outputTitle(o.B, out)}}, wholeOutput(out, '+', s)...)
	case Removed:
		out := a[o.A]
		return append([]row{{sign: '#', text: outputTitle(o.A, out)}}, wholeOutput(out, '-', s)...)
	}
	rows := []row{{sign: '#', text: outputTitle(o.B, b[o.B])}}
	for i := range o.Parts {
		rows = append(rows, partRows(&o.Parts[i], s)...)
	}
	return rows
}

// outputTitle names an output, counted from 1 as cells are.
func outputTitle(i int, out nbformat.Value) string {
	title := fmt.Sprintf("output %d: %s", i+1, out.Get("output_type").Text())
	if name := out.Get("name"); name.Kind() == nbformat.String {
		title += " " + name.Text()
	}
	return title
}

// partRows shows a part of an output that changed.
func partRows(p *PartDiff, s shape) []row {
	var rows []row
	if p.Name != "text" && (p.IsText() || !p.Data) {
		rows = append(rows, row{sign: '~', text: p.Name})
	}
	if p.Lines != nil {
		return append(rows, shorten(textRows(p.Text(p.Old), p.Text(p.New), p.Lines, s), s)...)
	}
	rows = append(rows, valueRows(p.Name, p.Data, '-', p.Old, s)...)
	return append(rows, valueRows(p.Name, p.Data, '+', p.New, s)...)
}

// wholeOutput shows an output that is on one side only.
func wholeOutput(out nbformat.Value, sign byte, s shape) []row {
	var rows []row
	m := members(out)
	for _, name := range names(m, nil) {
		switch name {
		case "text", "traceback":
			rows = append(rows, valueRows(name, false, sign, m[name], s)...)
		case "ename":
			if m["traceback"].Len() == 0 {
				rows = append(rows, row{sign: sign, text: m[name].Text() + ": " + m["evalue"].Text()})
			}
		case "data":
			rows = append(rows, bundleRows(m[name], sign, s)...)
		}
	}
	return rows
}

// bundleRows shows data by mime type; what people do not read says its type itself.
func bundleRows(bundle nbformat.Value, sign byte, s shape) []row {
	var rows []row
	data := members(bundle)
	for _, mime := range names(data, nil) {
		if TextMime(mime) {
			rows = append(rows, row{sign: '~', text: mime})
		}
		rows = append(rows, valueRows(mime, true, sign, data[mime], s)...)
	}
	return rows
}

// valueRows shows a part of an output that is on one side only: text by its
// lines, all else by type, size and digest.
func valueRows(name string, data bool, sign byte, v nbformat.Value, s shape) []row {
	if v.Kind() == nbformat.Absent {
		return nil
	}
	p := PartDiff{Name: name, Data: data}
	switch {
	case p.IsText() && isText(v):
		var rows []row
		for _, l := range trimmed(SplitLines(p.Text(v))) {
			rows = append(rows, row{sign: sign, text: l})
		}
		return shorten(rows, s)
	case data:
		raw := blob(v)
		return []row{{sign: sign, text: fmt.Sprintf("%s, %s, %s", name, size(len(raw)), digest(raw))}}
	}
	return []row{{sign: sign, text: brief(v)}}
}

// shorten cuts what is shown of an output, and says how much it cut.
func shorten(rows []row, s shape) []row {
	if s.columns > 0 {
		for i := range rows {
			rows[i].cut(s.columns)
		}
	}
	if s.lines == 0 {
		return rows
	}
	var kept []row
	shown, left := map[byte]int{}, map[byte]int{}
	for _, r := range rows {
		if r.more > 0 {
			left[r.sign] += r.more
			continue
		}
		if shown[r.sign]++; shown[r.sign] > s.lines && r.sign != '~' {
			left[r.sign]++
			continue
		}
		if len(left) == 0 || r.sign == '-' || r.sign == '+' {
			kept = append(kept, r)
		}
	}
	for _, sign := range []byte("-+") {
		if left[sign] > 0 {
			kept = append(kept, row{sign: '~', text: fmt.Sprintf("%c %s more", sign, count(left[sign], "line"))})
		}
	}
	return kept
}

// cut ends a row behind so many bytes, at the end of a character.
func (r *row) cut(columns int) {
	if len(r.text) <= columns {
		return
	}
	at := columns
	for at > 0 && r.text[at]&0xc0 == 0x80 {
		at--
	}
	r.text = fmt.Sprintf("%s… %s more", r.text[:at], size(len(r.text)-at))
	var marks []Span
	for _, m := range r.marks {
		if m.From < at {
			marks = append(marks, Span{m.From, min(m.To, at)})
		}
	}
	r.marks = marks
}

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// digest is the beginning of a SHA-256, enough to tell two things apart.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:6])
}

// blob is the data of a mime type that nobody reads by lines: of a base64
// string the bytes that it stands for.
func blob(v nbformat.Value) []byte {
	if !isText(v) {
		return canonical(v)
	}
	text := v.Text()
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == ' ' {
			return -1
		}
		return r
	}, text)
	if data, err := base64.StdEncoding.DecodeString(clean); err == nil {
		return data
	}
	return []byte(text)
}
