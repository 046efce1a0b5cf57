package percent

import (
	"strings"
)

// maxMarker bounds the text of a cell marker that is searched for options:
// the search tries every equals sign from the right.
const maxMarker = 1 << 15

const badOptions = "incorrectly_encoded_metadata"

// isMetadataKey: keys that can stand in a marker. Others are not written.
func isMetadataKey(key string) bool {
	for i := range len(key) {
		if c := key[i]; !isLetter(c) && !('0' <= c && c <= '9') && strings.IndexByte("_.@/-", c) < 0 {
			return false
		}
	}
	return key != ""
}

// isBareKey: a word that can stand without a value.
func isBareKey(word string) bool {
	i := 0
	for i < len(word) && (isLetter(word[i]) || word[i] == '_' || word[i] == '.') {
		i++
	}
	first := i
	for i < len(word) && (isLetter(word[i]) || word[i] == '_' || word[i] == '.' || '0' <= word[i] && word[i] <= '9') {
		i++
	}
	return first > 0 && i == len(word)
}

// isJSONOptions: is the metadata of this marker one JSON object?
func isJSONOptions(text string) bool {
	brace, equals := strings.IndexByte(text, '{'), strings.IndexByte(text, '=')
	return brace >= 0 && (equals < 0 || brace < equals)
}

// parseMarker reads what stands behind `%%`: depth, title, type and metadata.
func parseMarker(text string) *object {
	title, meta := splitTitle(strip(text))
	for _, t := range [...]string{"markdown", "raw", "md"} {
		if code := "[" + t + "]"; strings.Contains(title, code) {
			title = strip(strings.ReplaceAll(title, code, ""))
			meta.set("cell_type", t)
			if t == "md" {
				meta.set("region_name", t)
				meta.set("cell_type", "markdown")
			}
			break
		}
	}
	rest := strings.TrimLeft(title, "%")
	if depth := len(title) - len(rest); depth > 0 {
		meta.set("cell_depth", intText(depth))
		title = strip(rest)
	}
	if title != "" {
		meta.set("title", title)
	}
	return meta
}

// splitTitle parts the title from the metadata: all words before the first
// key, or before the first brace.
func splitTitle(text string) (string, *object) {
	if isJSONOptions(text) {
		brace := strings.IndexByte(text, '{')
		v, _ := parseLoose(text[brace:])
		meta, ok := v.(*object)
		if !ok {
			meta = badMetadata(text[brace:])
		}
		return strip(text[:brace]), meta
	}
	head, _, found := strings.Cut(text, "=")
	words := strings.Split(head, " ")
	if found {
		for len(words) > 0 && words[len(words)-1] == "" {
			words = words[:len(words)-1]
		}
		if len(words) > 0 {
			words = words[:len(words)-1] // the key
		}
	}
	for len(words) > 0 && (blank(words[len(words)-1]) || words[len(words)-1][0] == '.') {
		words = words[:len(words)-1]
	}
	title := strings.Join(words, " ")
	return title, parsePairs(text[len(title):])
}

func badMetadata(text string) *object {
	o := &object{}
	o.set(badOptions, text)
	return o
}

// parsePairs reads `key=value key key=value` from the right, because a value
// may hold spaces and equals signs: the shortest text that is a value wins.
func parsePairs(text string) *object {
	text = strip(text)
	if text == "" {
		return &object{}
	}
	if len(text) > maxMarker {
		return badMetadata(text)
	}
	space := strings.LastIndexByte(text, ' ')
	if word := text[space+1:]; !strings.HasPrefix(text, "--") && isBareKey(word) {
		meta := &object{}
		meta.set(word, nil)
		if space > 0 {
			left := parsePairs(text[:space])
			for _, k := range left.all() {
				meta.set(k, left.get(k))
			}
		}
		return meta
	}
	for equals := strings.LastIndexByte(text, '='); equals >= 0; equals = strings.LastIndexByte(text[:equals], '=') {
		space := strings.LastIndexByte(rstrip(text[:equals]), ' ')
		key := strip(text[space+1 : equals])
		if !isMetadataKey(key) {
			continue
		}
		value, ok := parseLoose(text[equals+1:])
		if !ok {
			continue
		}
		meta := &object{}
		if space > 0 {
			meta = parsePairs(text[:space])
		}
		meta.set(key, value)
		return meta
	}
	return badMetadata(text)
}

// layoutKeys are cell metadata about the script's layout, never written in a marker.
var layoutKeys = []string{"skipline", "noskipline", "cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker"}

// formatMarker is the text behind `%%` for a cell's metadata.
func formatMarker(meta *object, asJSON bool) string {
	var head []string
	if v, ok := meta.take("title"); ok {
		head = append(head, asText(v))
	}
	if v, ok := meta.take("cell_depth"); ok {
		head = append([]string{strings.Repeat("%", min(asInt(v), maxNesting))}, head...)
	}
	if v, ok := meta.take("cell_type"); ok {
		if r, ok := meta.take("region_name"); ok {
			v = r
		}
		head = append(head, "["+asText(v)+"]")
	}
	var out []string
	if s := strings.Join(head, " "); s != "" {
		out = append(out, s)
	}
	for _, k := range layoutKeys {
		meta.remove(k)
	}
	if asJSON {
		if meta.len() > 0 {
			out = append(out, string(appendASCII(nil, meta)))
		}
		return strings.Join(out, " ")
	}
	for _, k := range meta.all() {
		switch v := meta.get(k); {
		case k == badOptions:
			out = append(out, asText(v))
		case v == nil:
			out = append(out, k)
		default:
			out = append(out, k+"="+string(appendASCII(nil, v)))
		}
	}
	return strings.Join(out, " ")
}

// afterComment is what stands behind the comment sign.
func (k scriptKind) afterComment(line string) (string, bool) {
	rest, ok := strings.CutPrefix(lstrip(line), k.comment)
	return lstrip(rest), ok
}

// hasOptions: `# %% ...`, with at least white space behind the sign.
func (k scriptKind) hasOptions(line string) bool {
	rest, ok := k.afterComment(line)
	if !ok || !strings.HasPrefix(rest, "%%") {
		return false
	}
	return startsWithSpace(strings.TrimLeft(rest, "%"))
}

// isBareMarker: `# %%` alone, or what older tools wrote.
func (k scriptKind) isBareMarker(line string) bool {
	rest, ok := k.afterComment(line)
	if !ok {
		return false
	}
	rest = rstrip(rest)
	if number, ok := strings.CutPrefix(rest, "In["); ok {
		number = strings.TrimSuffix(number, ":")
		return strings.HasSuffix(number, "]") && strings.Trim(number[:len(number)-1], "0123456789 ") == ""
	}
	return rest == "%%" || rest == "<codecell>"
}

func (k scriptKind) isMarker(line string) bool { return k.hasOptions(line) || k.isBareMarker(line) }
