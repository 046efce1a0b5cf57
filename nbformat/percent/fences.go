package percent

import "strings"

// fences follows the code fences of markdown: what stands in one opens no cell.
type fences struct {
	sign   byte // of the open fence, 0: none is
	length int
	futile map[byte]int // from this length on, no fence of the sign is closed
}

// fence is the sign and length of a code fence, and the text behind it.
func fence(line string) (sign byte, length int, info string) {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 || text == "" || text[0] != '`' && text[0] != '~' {
		return 0, 0, ""
	}
	info = strings.TrimLeft(text, text[:1])
	if length = len(text) - len(info); length < 3 {
		return 0, 0, ""
	}
	return text[0], length, info
}

// skip says whether line i is of a fenced block.
func (f *fences) skip(k scriptKind, lines []string, i int) bool {
	sign, length, info := fence(uncomment(lines[i], k.comment, k.suffix))
	if f.sign != 0 {
		if sign == f.sign && length >= f.length && blank(info) {
			f.sign = 0
		}
		return true
	}
	if sign == 0 || sign == '`' && strings.Contains(info, "`") {
		return false
	}
	if n, ok := f.futile[sign]; ok && length >= n {
		return false
	}
	for _, l := range lines[i+1:] {
		if s, n, rest := fence(uncomment(l, k.comment, k.suffix)); s == sign && n >= length && blank(rest) {
			f.sign, f.length = sign, length
			return true
		}
	}
	if f.futile == nil {
		f.futile = map[byte]int{}
	}
	f.futile[sign] = length
	return false
}
