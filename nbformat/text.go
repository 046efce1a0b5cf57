package nbformat

import (
	"bytes"
	"math/bits"
	"unicode/utf8"
)

// unquote decodes a JSON string that a scanner has passed. A surrogate that
// stands alone becomes its three bytes of generalised UTF-8, so that
// AppendString can write it back as it was.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return string(appendUnquoted(make([]byte, 0, len(raw)), raw))
}

// appendUnquoted appends the text between the quotes of a JSON string.
func appendUnquoted(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		if raw[1] == 'u' {
			r := hex4(raw[2:6])
			raw = raw[6:]
			if r&^0x3ff == 0xd800 && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				if low := hex4(raw[2:6]); low&^0x3ff == 0xdc00 {
					r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
					raw = raw[6:]
				}
			}
			dst = appendRune(dst, r)
			continue
		}
		dst = append(dst, unescaped(raw[1]))
		raw = raw[2:]
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func appendRune(dst []byte, r rune) []byte {
	if r&^0x7ff == 0xd800 {
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(dst, r)
}

// AppendString appends s as a JSON string, as Python's json.dumps writes it
// with ensure_ascii=False. A lone surrogate, which Python cannot encode, is
// escaped; any other byte that is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	return appendQuoted(dst, s, false)
}

func appendQuoted(dst []byte, s string, ascii bool) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s, ascii)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// load is eight bytes of s as one word.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plain is the length of the run of ASCII at the start of s that needs no escape.
func plain(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := load(s[i:])
		if m := special(w) | w&swarHighs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// printable is the length of the run of ASCII at the start of s without control characters.
func printable(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := load(s[i:])
		if m := ((w-swarOnes*0x20)&^w | w) & swarHighs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

func appendEscaped(dst []byte, s string, ascii bool) []byte {
	from := 0
	for i := plain(s); i < len(s); i += plain(s[i:]) {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError || n > 1 {
			if ascii {
				dst = append(dst, s[from:i]...)
				dst = appendASCII(dst, r)
				from = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[from:i]...)
		if r, n = loneSurrogate(s[i:]); n > 0 {
			dst = appendU(dst, r)
		} else {
			n = 1
			dst = append(dst, "\ufffd"...)
		}
		i += n
		from = i
	}
	return append(dst, s[from:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return appendU(dst, rune(c))
}

func appendASCII(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return appendU(dst, r)
	}
	r -= 0x10000
	return appendU(appendU(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
}

func appendU(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

func loneSurrogate(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return 0, 0
}

// cutLine splits s behind its first line end, as Python's str.splitlines
// counts them: \n, \r, \r\n, \v, \f, \x1c to \x1e, U+0085, U+2028, U+2029.
func cutLine(s string) (line, rest string) {
	for i := printable(s); i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 0x20 && c < 0x80:
			i += printable(s[i:]) - 1
		case c == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
			return s[:i+1], s[i+1:]
		case c >= '\n' && c <= '\f', c >= 0x1c && c <= 0x1e:
			return s[:i+1], s[i+1:]
		case c == 0xc2 && i+1 < len(s) && s[i+1] == 0x85:
			return s[:i+2], s[i+2:]
		case c == 0xe2 && i+2 < len(s) && s[i+1] == 0x80 && s[i+2]&^1 == 0xa8:
			return s[:i+3], s[i+3:]
		}
	}
	return s, ""
}

// splitLines is Python's str.splitlines(True).
func splitLines(s string) []string {
	var lines []string
	for s != "" {
		var line string
		line, s = cutLine(s)
		lines = append(lines, line)
	}
	return lines
}
