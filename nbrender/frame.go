package nbrender

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// dress is what a piece of HTML needs to be shown.
type dress int

const (
	plainDress  dress = iota // nothing: it may stand in the page
	styledDress              // its own style sheet or drawings
	scriptDress              // a script, as far as anyone can tell
)

// dressOf looks at the tags only. It chooses between two safe ways of showing
// a text, so that being fooled costs looks and nothing else.
func dressOf(markup string) dress {
	found := plainDress
	for i := strings.IndexByte(markup, '<'); i >= 0 && i < len(markup); {
		rest := markup[i+1:]
		name := tagName(rest)
		switch name {
		case "script":
			return scriptDress
		case "style", "svg", "input", "button", "math", "canvas", "link":
			found = styledDress
		}
		next := strings.IndexByte(rest, '<')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return found
}

// tagName is the lower-case name that s begins with.
func tagName(s string) string {
	n := 0
	for n < len(s) && n < 12 && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return strings.ToLower(s[:n])
}

// frameStyle is how a frame looks before the notebook's own style: always on
// white, since what a notebook colours was made for that.
const frameStyle = "html{color-scheme:light;background:#fff;color:#1b1b1b;font:14px/1.5 system-ui,sans-serif}body{margin:4px}" +
	"table{border-collapse:collapse;font-size:13px}td,th{padding:2px 8px;text-align:right}img,svg{max-width:100%}"

// inertFrame writes HTML in a frame that can run, load, post and open nothing;
// false when nothing would be seen in it.
func (p *page) inertFrame(markup string) bool {
	content, seen, rows := inert(markup)
	if !seen {
		return false
	}
	p.frames++
	p.raw("<iframe class=\"frame\" sandbox=\"\" referrerpolicy=\"no-referrer\" loading=\"lazy\" title=\"HTML output ", strconv.Itoa(p.frames), "\" style=\"height:",
		strconv.Itoa(min(max(rows*26+30, 90), 640)), "px\" srcdoc=\"", escape(FrameDocument(content)), "\"></iframe>\n")
	return true
}

// FrameDocument is the document of a frame that shows a notebook's HTML. It is
// meant for a frame with an empty sandbox, or for a response with ContentPolicy
// and "sandbox"; it does not sanitise.
func FrameDocument(content string) string {
	return "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"" + ContentPolicy +
		"\"><meta name=\"referrer\" content=\"no-referrer\"><style>" + frameStyle + "</style></head><body>" + content + "</body></html>"
}

// inert takes out of HTML what has no use in a frame without rights: scripts,
// documents in it, forms' targets, handlers, and the elements that make a
// browser ask for things outside a policy's reach (link, meta, base). It is the
// second bar there; the first is the frame. Seen says whether anything is left
// to look at, rows about how many lines.
func inert(markup string) (content string, seen bool, rows int) {
	z := html.NewTokenizer(strings.NewReader(markup))
	z.SetMaxBuf(0)
	var b bytes.Buffer
	skip := "" // the element whose content is left out
	style := false
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() != io.EOF {
				return "", false, 0
			}
			return b.String(), seen, rows
		}
		raw := z.Raw()
		switch kind {
		case html.TextToken:
			if skip == "" {
				if style {
					b.WriteString(inertCSS(string(raw)))
					continue
				}
				seen = seen || len(bytes.TrimSpace(raw)) > 0
				b.Write(raw)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "script", "noscript", "template", "iframe", "noframes", "noembed", "object", "title", "xmp", "plaintext", "textarea":
				// One that closes itself too: HTML does not know that, and what
				// follows has been read as its text.
				if skip == "" {
					skip = t.Data
				}
				continue
			case "link", "meta", "base", "embed", "frame", "frameset", "portal", "form", "html", "head", "body", "applet", "video", "audio", "source", "track":
				continue
			case "tr", "p", "br", "li", "pre", "h1", "h2", "h3", "h4", "summary":
				rows++
			case "svg", "img":
				seen = seen || skip == ""
				rows += pixelHeight(t.Attr) / 26
			case "style":
				style = true
			}
			if skip == "" {
				t.Attr = inertAttrs(t.Attr)
				b.WriteString(t.String())
			}
		case html.EndTagToken:
			t := z.Token()
			switch {
			case skip != "":
				if t.Data == skip {
					skip = ""
				}
			case t.Data == "form" || t.Data == "html" || t.Data == "head" || t.Data == "body" || t.Data == "video" || t.Data == "audio":
			default:
				style = style && t.Data != "style"
				b.WriteString(t.String())
			}
		}
	}
}

// inertAttrs drops handlers and what would navigate or load.
func inertAttrs(attrs []html.Attribute) []html.Attribute {
	kept := attrs[:0]
	for _, a := range attrs {
		key := strings.ToLower(a.Key)
		switch {
		case strings.HasPrefix(key, "on"), strings.HasPrefix(key, "data-"):
			continue
		case key == "src" || key == "href" || strings.HasSuffix(key, ":href"):
			if value := strings.TrimSpace(a.Val); !strings.HasPrefix(value, "#") && !isImageAddress(value) {
				continue
			}
		case key == "action", key == "formaction", key == "ping", key == "srcset", key == "srcdoc", key == "background", key == "poster",
			key == "target", key == "autofocus", key == "manifest", key == "is", key == "to", key == "values", key == "from":
			continue
		}
		if strings.Contains(a.Val, "(") {
			a.Val = inertCSS(a.Val)
		}
		kept = append(kept, a)
	}
	return kept
}

// isImageAddress says whether an address holds a picture in itself.
func isImageAddress(s string) bool {
	mime, _, ok := strings.Cut(strings.TrimPrefix(s, "data:"), ";base64,")
	return ok && strings.HasPrefix(s, "data:") && (isRaster(mime) || mime == "image/svg+xml")
}

// pixelHeight is the height that a picture says it has, 200 when it says none.
func pixelHeight(attrs []html.Attribute) int {
	for _, a := range attrs {
		if a.Key == "height" {
			if n, err := strconv.ParseFloat(strings.TrimRight(a.Val, "ptx"), 64); err == nil && n > 0 && n < 5000 {
				return int(n)
			}
		}
	}
	return 200
}
