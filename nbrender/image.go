package nbrender

import (
	"encoding/base64"
	"strconv"
	"strings"

	"assay/nbformat"
)

// rasters are the pictures that a page shows, the best first.
var rasters = [...]string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}

func isRaster(mime string) bool {
	for _, r := range rasters {
		if mime == r {
			return true
		}
	}
	return false
}

// image writes a picture as a data: address; false when it is none.
func (p *page) image(mime string, v, meta nbformat.Value, alt string) bool {
	if len(v.Raw()) > p.o.MaxImage {
		p.placeholder(mime + " of " + size(len(v.Raw())) + " is not shown")
		return true
	}
	data, ok := base64Text(v.Text())
	if !ok {
		return false
	}
	p.raw("<img alt=\"", escape(altText(alt, mime)), "\"", dimensions(meta), " src=\"data:", mime, ";base64,", data, "\">\n")
	return true
}

// svg writes a drawing as an image: there a browser runs no script of it and
// asks for nothing that it names.
func (p *page) svg(text string, meta nbformat.Value, alt string) bool {
	if len(text) > p.o.MaxImage {
		p.placeholder("image/svg+xml of " + size(len(text)) + " is not shown")
		return true
	}
	address := svgAddress(text)
	if address == "" {
		return false
	}
	p.raw("<img class=\"svg\" alt=\"", escape(altText(alt, "image/svg+xml")), "\"", dimensions(meta), " src=\"", address, "\">\n")
	return true
}

// svgAddress is a drawing as a data: address, "" when there is none. The name
// space, which HTML does without, is put in where it lacks.
func svgAddress(text string) string {
	at := strings.Index(text, "<svg")
	if at < 0 {
		return ""
	}
	if !strings.Contains(text, "http://www.w3.org/2000/svg") {
		text = text[:at+4] + ` xmlns="http://www.w3.org/2000/svg"` + text[at+4:]
	}
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(text))
}

// base64Text is base64 on one line; false for anything else.
func base64Text(s string) (string, bool) {
	if strings.ContainsAny(s, "\n\r \t") {
		s = strings.Join(strings.Fields(s), "")
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=') {
			return "", false
		}
	}
	return s, s != ""
}

// altText is the first line of the text that stands for a picture.
func altText(plain, mime string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(plain), "\n")
	if line = strings.Trim(line, "<>"); line == "" {
		line = strings.TrimPrefix(mime, "image/") + " image"
	}
	return clip(line, 120)
}

// dimensions are the attributes of the size that the notebook asks for.
func dimensions(meta nbformat.Value) string {
	var s string
	for _, side := range [...]string{"width", "height"} {
		if n, ok := meta.Get(side).Float(); ok && n >= 1 && n <= 10000 {
			s += " " + side + "=\"" + strconv.Itoa(int(n)) + "\""
		}
	}
	return s
}
