package nbrender

import (
	"bytes"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// userPrefix stands before every id and name that a notebook brings.
const userPrefix = "nb-"

// sanitize makes a notebook's HTML fit to stand in the page: addresses and ids
// are put right, the policy takes out what may not be, and in the end every
// element that the text opens is closed in it and no other.
func sanitize(markup string, files map[string]string) string {
	return balance(policy().Sanitize(rewrite(markup, files)))
}

// policy is what HTML of a notebook may hold. It names what is allowed; class
// is allowed for the looks that notebooks and our own markdown use.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("article", "aside", "section", "figure", "figcaption", "summary", "header", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
		"br", "div", "hr", "p", "span", "wbr", "blockquote", "abbr", "cite", "code", "dfn", "em", "mark", "s", "samp", "strong", "sub", "sup", "var",
		"b", "i", "pre", "small", "strike", "tt", "u", "kbd", "big", "center", "font", "bdi", "rp", "rt", "ruby", "ins", "del", "q", "a", "details")
	p.AllowNoAttrs().OnElements("span", "font", "a")
	p.AllowLists()
	p.AllowTables()
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^nb-\S{1,200}$`)).Globally()
	p.AllowAttrs("title").Matching(regexp.MustCompile(`^[^<>]{0,300}$`)).Globally()
	p.AllowAttrs("dir").Matching(bluemonday.Direction).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[a-zA-Z-]{2,20}$`)).Globally()
	p.AllowAttrs("open").Matching(regexp.MustCompile(`^(|open)$`)).OnElements("details")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(math( display)?|dataframe|footnote-ref|footnote-backref|footnotes|task|external|alert( alert-(block|info|warning|success|danger))*|[a-z]{1,2})$`)).Globally()
	p.AllowAttrs("align").Matching(regexp.MustCompile(`(?i)^(left|right|center|justify)$`)).OnElements("div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "img", "td", "th", "tr", "table")
	p.AllowAttrs("color").Matching(regexp.MustCompile(`^#?[a-zA-Z0-9]{1,20}$`)).OnElements("font")
	p.AllowAttrs("size").Matching(regexp.MustCompile(`^[+-]?[0-9]$`)).OnElements("font")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^(|checked|disabled)$`)).OnElements("input")
	p.AllowAttrs("alt").Matching(regexp.MustCompile(`^[^<>]*$`)).OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]+)?(px|%)?$`)).OnElements("img", "table", "td", "th", "col")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowURLSchemeWithCustomPolicy("data", func(u *url.URL) bool { return isImageAddress(u.String()) })
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AllowStyles("text-align").MatchingEnum("left", "right", "center", "justify").Globally()
	p.AllowStyles("font-weight").Matching(regexp.MustCompile(`^(bold|normal|[1-9]00)$`)).Globally()
	p.AllowStyles("font-style").MatchingEnum("italic", "normal").Globally()
	p.AllowStyles("text-decoration").MatchingEnum("underline", "line-through", "none").Globally()
	p.AllowStyles("color", "background-color", "background", "border-color").Matching(regexp.MustCompile(`^(#[0-9a-f]{3,8}|[a-z]{3,20}|rgba?\([0-9., %]{5,40}\))$`)).Globally()
	p.AllowStyles("width", "height", "max-width", "max-height", "font-size").Matching(regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3})?(px|%|em|rem|pt)$`)).Globally()
	p.AllowStyles("padding", "border-radius").Matching(regexp.MustCompile(`^([0-9]{1,2}(px|em|%)?( |$)){1,4}$`)).Globally()
	p.AllowStyles("float").MatchingEnum("left", "right", "none").Globally()
	p.SkipElementsContent("script", "style", "textarea", "noscript", "title", "xmp", "noembed", "noframes", "template", "svg", "math", "select", "button", "object", "video", "audio")
	return p
})

// rewrite puts addresses and ids right before the policy sees them: ids get
// their prefix and links in the page follow, attachments become data: addresses,
// and a picture from elsewhere, which the page may not load, becomes a link.
func rewrite(markup string, files map[string]string) string {
	z := html.NewTokenizer(strings.NewReader(markup))
	var b bytes.Buffer
	b.Grow(len(markup) + len(markup)/8)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() != io.EOF {
				return ""
			}
			return b.String()
		}
		raw := z.Raw()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			b.Write(raw)
			continue
		}
		if bytes.IndexByte(raw, '=') < 0 && !bytes.Equal(bytes.ToLower(raw[1:min(6, len(raw))]), []byte("input")) {
			b.Write(raw)
			continue
		}
		t := z.Token()
		switch t.Data {
		case "img":
			b.WriteString(picture(t, files))
			continue
		case "input":
			t.Attr = append(onlyAttr(t.Attr, "checked"), html.Attribute{Key: "type", Val: "checkbox"}, html.Attribute{Key: "disabled"})
		default:
			t.Attr = placed(t)
		}
		b.WriteString(t.String())
	}
}

func onlyAttr(attrs []html.Attribute, key string) []html.Attribute {
	for _, a := range attrs {
		if a.Key == key {
			return []html.Attribute{{Key: key}}
		}
	}
	return nil
}

// placed prefixes ids and what refers to them.
func placed(t html.Token) []html.Attribute {
	kept := t.Attr[:0]
	id := false
	for _, a := range t.Attr {
		switch {
		case a.Key == "id" || a.Key == "name":
			if id {
				continue
			}
			id = true
			a.Key, a.Val = "id", prefixed(a.Val)
		case a.Key == "href" && strings.HasPrefix(a.Val, "#") && len(a.Val) > 1:
			a.Val = "#" + prefixed(a.Val[1:])
		case a.Key == "href" && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "data:"):
			continue
		}
		kept = append(kept, a)
	}
	return kept
}

// prefixed is an id of the notebook as it stands in the page.
func prefixed(id string) string {
	if strings.HasPrefix(id, userPrefix) {
		return id
	}
	return userPrefix + id
}

// picture is an img element that holds its picture, or a link to where it is.
func picture(t html.Token, files map[string]string) string {
	var src, alt string
	kept := []html.Attribute{}
	for _, a := range t.Attr {
		switch a.Key {
		case "src":
			src = strings.TrimSpace(a.Val)
		case "alt":
			alt = a.Val
			kept = append(kept, a)
		case "width", "height", "style", "align", "title":
			kept = append(kept, a)
		}
	}
	if name, ok := strings.CutPrefix(src, "attachment:"); ok {
		if plain, err := url.PathUnescape(name); err == nil && files[plain] != "" {
			name = plain
		}
		src = files[name]
		if src == "" {
			return `<span class="external">[attachment ` + html.EscapeString(clip(name, 100)) + ` is missing]</span>`
		}
	}
	if isImageAddress(src) {
		t.Attr = append(kept, html.Attribute{Key: "src", Val: src})
		return t.String()
	}
	if alt == "" {
		alt = src
	}
	if strings.HasPrefix(src, "data:") || src == "" {
		return `<span class="external">[image: ` + html.EscapeString(clip(strings.TrimPrefix(alt, src), 100)) + `]</span>`
	}
	return `<a class="external" href="` + html.EscapeString(src) + `">[image: ` + html.EscapeString(clip(alt, 200)) + `]</a>`
}

// void says whether an element has no end.
func void(name string) bool {
	switch name {
	case "br", "hr", "img", "input", "wbr", "col":
		return true
	}
	return false
}

// maxNesting is as deep as browsers follow.
const maxNesting = 200

// balance closes what sanitised HTML leaves open and drops the ends of what it
// did not open, so that it stays inside the element that it is put in.
func balance(markup string) string {
	z := html.NewTokenizer(strings.NewReader(markup))
	var b bytes.Buffer
	b.Grow(len(markup) + 64)
	var stack []string
	open := map[string]int{}
	pop := func() {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		open[name]--
		b.WriteString("</" + name + ">")
	}
	for {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			for len(stack) > 0 {
				pop()
			}
			return b.String()
		case html.StartTagToken:
			raw := z.Raw()
			name, _ := z.TagName()
			if !void(string(name)) {
				if len(stack) == maxNesting {
					continue
				}
				stack = append(stack, string(name))
				open[string(name)]++
			}
			b.Write(raw)
		case html.EndTagToken:
			name, _ := z.TagName()
			if open[string(name)] == 0 {
				continue
			}
			for stack[len(stack)-1] != string(name) {
				pop()
			}
			pop()
		default:
			b.Write(z.Raw())
		}
	}
}
