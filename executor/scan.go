package executor

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

var errContent = errors.New("content is not a JSON object")

// members calls visit for every member of the JSON object raw, in order, with
// the decoded key and the value as it stands there. It reads kernels' messages: what
// it passes over is not checked, so values keep what a strict reader refuses.
func members(raw []byte, visit func(key, value []byte)) error {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return errContent
	}
	for i = space(raw, i+1); i < len(raw) && raw[i] == '"'; {
		end := stringEnd(raw, i)
		if end < 0 {
			return errContent
		}
		key := raw[i+1 : end-1]
		if i = space(raw, end); i >= len(raw) || raw[i] != ':' {
			return errContent
		}
		start := space(raw, i+1)
		if i = valueEnd(raw, start); i < 0 {
			return errContent
		}
		if bytes.IndexByte(key, '\\') >= 0 {
			key = appendUnquoted(nil, key)
		}
		visit(key, raw[start:i])
		if i = space(raw, i); i < len(raw) && raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
	if i >= len(raw) || raw[i] != '}' {
		return errContent
	}
	return nil
}

// elements calls visit for every element of the JSON array raw; anything else has none.
func elements(raw []byte, visit func(value []byte)) {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != '[' {
		return
	}
	for i = space(raw, i+1); i < len(raw) && raw[i] != ']'; {
		end := valueEnd(raw, i)
		if end < 0 {
			return
		}
		visit(raw[i:end])
		if i = space(raw, end); i < len(raw) && raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd is the index after the string that begins at b[i], or -1.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
	return -1
}

// valueEnd is the index after the value that begins at b[i], or -1.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return containerEnd(b, i)
	case ',', ':', '}', ']':
		return -1
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

func containerEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// text is the decoded JSON string raw; "" for anything that is not a string.
func text(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return string(body)
	}
	return string(appendUnquoted(make([]byte, 0, len(body)), body))
}

// appendUnquoted decodes the inside of a JSON string. A lone surrogate becomes
// its three bytes, as in package nbformat, which writes it back as an escape.
func appendUnquoted(dst, s []byte) []byte {
	for {
		n := bytes.IndexByte(s, '\\')
		if n < 0 || n+1 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:n]...)
		c := s[n+1]
		s = s[n+2:]
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			dst, s = appendEscape(dst, s)
		default:
			dst = append(dst, c)
		}
	}
}

// appendEscape decodes what follows \u, and the second half of a pair with it.
func appendEscape(dst, s []byte) ([]byte, []byte) {
	r, ok := hex4(s)
	if !ok {
		return append(dst, `\u`...), s
	}
	s = s[4:]
	if utf16.IsSurrogate(r) {
		if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
			if low, ok := hex4(s[2:]); ok {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					return utf8.AppendRune(dst, both), s[6:]
				}
			}
		}
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F), s
	}
	return utf8.AppendRune(dst, r), s
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendQuoted writes s as a JSON string. Lone surrogates go back to escapes;
// other bytes that are no UTF-8 become U+FFFD, since a kernel refuses a message with them.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				if i+2 < len(s) && c == 0xED && s[i+1] >= 0xA0 && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80 {
					u := uint16(0xD000) | uint16(s[i+1]&0x3F)<<6 | uint16(s[i+2]&0x3F)
					dst = append(dst, '\\', 'u', hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15])
					i += 3
					continue
				}
			}
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
