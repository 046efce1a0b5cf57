package scraps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"assay/nbformat"
)

const (
	scrapPrefix  = "application/scrapbook.scrap"
	recordPrefix = "application/papermill.record"
	// latestVersion is what scrapbook 0.5 writes and assay too.
	latestVersion = 1
)

// payload reads one member of a mime bundle; a scrap without a name means
// that it is none.
func (c *collector) payload(mime string, v nbformat.Value) (Scrap, *Error) {
	switch {
	case strings.HasPrefix(mime, recordPrefix):
		return c.record(v)
	case strings.HasPrefix(mime, scrapPrefix):
		return c.scrap(v)
	}
	return Scrap{}, nil
}

// record is papermill's form: an object whose first member is the scrap.
func (c *collector) record(v nbformat.Value) (Scrap, *Error) {
	for name, data := range v.Members() {
		if data.Kind() == nbformat.Null {
			return Scrap{}, &Error{Name: name, Msg: "the record holds null, which is no value"}
		}
		return Scrap{Name: name, Encoder: "json", Kind: Record, Data: c.decoded("json", data)}, nil
	}
	if v.Kind() != nbformat.Object {
		return Scrap{}, &Error{Msg: "the record is " + article(v.Kind()) + ", not an object"}
	}
	return Scrap{}, nil
}

func (c *collector) scrap(v nbformat.Value) (Scrap, *Error) {
	if v.Kind() != nbformat.Object {
		return Scrap{}, &Error{Msg: "the payload is " + article(v.Kind()) + ", not an object"}
	}
	name, encoder, data := v.Get("name"), v.Get("encoder"), v.Get("data")
	fail := func(msg string) (Scrap, *Error) { return Scrap{}, &Error{Name: name.Text(), Msg: msg} }
	version, ok := v.Get("version").Int()
	if !ok {
		return fail("it has no version, so nobody knows what the rest means")
	}
	switch {
	case name.Kind() != nbformat.String || name.Text() == "":
		return fail("it has no name")
	case encoder.Kind() != nbformat.String:
		return fail("it does not say its encoder")
	case data.Kind() == nbformat.Absent:
		return fail("it has no data")
	case data.Kind() == nbformat.Null:
		return fail("its data is null, which is no value")
	}
	if version > latestVersion {
		c.warnings = append(c.warnings, fmt.Sprintf(
			"scrap %q has payload version %d and assay knows %d: it may be read wrongly", name.Text(), version, latestVersion))
	}
	e := encoder.Text()
	if !known(e) {
		c.warnings = append(c.warnings, fmt.Sprintf("scrap %q has the unknown encoder %q: its data is given as it stands", name.Text(), e))
	}
	return Scrap{Name: name.Text(), Encoder: e, Kind: Data, Version: int(version), Data: c.decoded(e, data)}, nil
}

func known(encoder string) bool {
	switch encoder {
	case "text", "json", "display", "pandas", "table":
		return true
	}
	return false
}

// decoded is the data, or what scrapbook makes of it: a string glued as JSON
// that happens to be JSON is read once more, so that "123" becomes 123.
func (c *collector) decoded(encoder string, data nbformat.Value) json.RawMessage {
	if c.compat && encoder == "json" && data.Kind() == nbformat.String {
		inner := []byte(data.Text())
		if _, err := nbformat.ParseValue(inner); err == nil {
			return bytes.TrimSpace(inner)
		}
	}
	return json.RawMessage(data.Raw())
}

func article(k nbformat.Kind) string {
	switch k {
	case nbformat.Array:
		return "an array"
	case nbformat.Object:
		return "an object"
	case nbformat.Null:
		return "null"
	}
	return "a " + strings.ToLower(k.String())
}
