package executor

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// minFormed is the length in bytes from which a secret is looked for in other
// forms than its own: what a shorter one turns into may stand in any text.
const minFormed = 8

// Forms are the texts that show the value: itself and, from eight bytes on,
// what it becomes where a cell shows it by the usual means: quoted by JSON,
// Python, R or a shell, escaped for a URL or HTML, in base64. Each is there
// once, the longest first; an empty value has none.
func (s Secret) Forms() []string {
	all := append(forms(s.Value), s.Value)
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.DeleteFunc(slices.Compact(all), func(form string) bool { return form == "" })
}

func forms(v string) []string {
	if len(v) < minFormed {
		return nil
	}
	all := slices.Concat(base64Forms(v), urlForms(v), pythonBytes(v))
	if !utf8.ValidString(v) {
		return all // no text: nothing quotes it in one known way
	}
	texts := []string{v, jsonForm(v, false), jsonForm(v, true)}
	for _, t := range texts { // JSON is shown as a Python string, and inside other JSON
		all = append(all, t, jsonForm(t, false), jsonForm(t, true))
		all = append(all, pythonForms(t)...)
	}
	return slices.Concat(all, shellForms(v), htmlForms(v))
}

// jsonForm is v inside a JSON string; ascii is Python's ensure_ascii. R prints
// a character vector the same way.
func jsonForm(v string, ascii bool) string {
	const short = "\b\f\n\r\t\"\\"
	var b strings.Builder
	for _, r := range v {
		switch i := strings.IndexRune(short, r); {
		case i >= 0:
			b.WriteByte('\\')
			b.WriteByte(`bfnrt"\`[i])
		case r < ' ' || ascii && r >= 0x7f && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// pythonForms are v inside the quotes of repr() and of ascii(). Which quotes
// those are, and so whether a ' is escaped, depends on what else is in the string.
func pythonForms(v string) []string {
	var all []string
	for _, ascii := range []bool{false, true} {
		var plain, escaped strings.Builder
		for _, r := range v {
			writePython(&plain, r, -1, ascii)
			writePython(&escaped, r, '\'', ascii)
		}
		all = append(all, plain.String(), escaped.String())
	}
	return all
}

// pythonBytes are v inside the quotes of repr() of its bytes.
func pythonBytes(v string) []string {
	var plain, escaped strings.Builder
	for i := range len(v) {
		writePython(&plain, rune(v[i]), -1, true)
		writePython(&escaped, rune(v[i]), '\'', true)
	}
	return []string{plain.String(), escaped.String()}
}

// writePython writes one letter as repr() does; quote is the one to escape, or -1.
func writePython(b *strings.Builder, r, quote rune, ascii bool) {
	switch i := strings.IndexRune("\t\n\r\\", r); {
	case i >= 0:
		b.WriteByte('\\')
		b.WriteByte(`tnr\`[i])
	case r == quote:
		b.WriteByte('\\')
		b.WriteRune(r)
	case unicode.IsPrint(r) && (r < 0x7f || !ascii):
		b.WriteRune(r)
	case r <= 0xff:
		fmt.Fprintf(b, `\x%02x`, r)
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// shellForms are v as a POSIX shell, bash's own printf %q and declare -p,
// Python's shlex and R's shQuote quote it.
func shellForms(v string) []string {
	var q, dollar strings.Builder
	for _, r := range v {
		if strings.ContainsRune(" \t!\"$&'()*,;<>?[\\]^`{|}", r) {
			q.WriteByte('\\')
		}
		q.WriteRune(r)
		switch i := strings.IndexRune("\a\b\x1b\f\n\r\t\v\\'", r); {
		case i >= 0:
			dollar.WriteByte('\\')
			dollar.WriteByte(`abEfnrtv\'`[i])
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&dollar, `\%03o`, r)
		default:
			dollar.WriteRune(r)
		}
	}
	return []string{
		q.String(), dollar.String(), // as printf %q: the second where there are control characters
		strings.ReplaceAll(v, "'", `'\''`), strings.ReplaceAll(v, "'", `'"'"'`),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(v),
	}
}

// urlForms are v as Python's quote, with and without a / that stays, and
// quote_plus, and JavaScript's encodeURIComponent write it.
func urlForms(v string) []string {
	plus := strings.ReplaceAll(url.QueryEscape(v), "%7E", "~")
	quoted := strings.ReplaceAll(plus, "+", "%20")
	component := strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")
	return []string{plus, quoted, strings.ReplaceAll(quoted, "%2F", "/"), component.Replace(quoted)}
}

// htmlForms are v as pandas, Python's html.escape and markupsafe write it.
func htmlForms(v string) []string {
	tags := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(v)
	return []string{
		tags,
		strings.NewReplacer(`"`, "&quot;", "'", "&#x27;").Replace(tags),
		strings.NewReplacer(`"`, "&#34;", "'", "&#39;").Replace(tags),
	}
}

// base64Forms are v in base64, in both alphabets, alone and inside a longer
// text: there only the letters count that v alone decides, which tell all of
// it but up to four bits at either end. Letters in lines of 76, as the program
// base64 and Python's encodebytes write them, count where v begins the text.
func base64Forms(v string) []string {
	var all []string
	for before := range 3 {
		padded := base64.StdEncoding.EncodeToString(append(make([]byte, before), v...))
		first, whole := (before*8+5)/6, (before+len(v))*8/6
		for _, form := range []string{padded[first:whole], strings.TrimRight(padded[first:], "="), padded[first:]} {
			all = append(all, form)
			if before == 0 {
				all = append(all, string(bytes.Join(slices.Collect(slices.Chunk([]byte(form), 76)), []byte("\n"))))
			}
		}
	}
	other := strings.NewReplacer("+", "-", "/", "_")
	for _, form := range all[:len(all):len(all)] {
		all = append(all, other.Replace(form))
	}
	return all
}
