// Package cloudevents writes events as CloudEvents 1.0 in the JSON format.
//
// id, type and time are the event's, source is its source as a URI reference
// ("assay" where it has none), subject is the run, data is the payload. The
// extension "sequence" is the event's place in the store, "traceid" and
// "parentid" are the event's trace and parent, "schemaversion" its version.
package cloudevents

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"assay/events"

	"github.com/go-json-experiment/json/jsontext"
)

// Format is an events.Format.
type Format struct{}

var _ events.Format = Format{}

// ContentTypes implements events.Format: structured mode, and the batch of it.
func (Format) ContentTypes() (single, batch string) {
	return "application/cloudevents+json; charset=utf-8", "application/cloudevents-batch+json; charset=utf-8"
}

// Wants implements events.Format: it is always true.
func (Format) Wants(events.Event) bool { return true }

// Encode implements events.Format.
func (Format) Encode(e events.Event) ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	source := e.Source
	if source == "" {
		source = "assay"
	}
	b := []byte(`{"specversion":"1.0"`)
	var err error
	member := func(name, value string) {
		if value == "" || err != nil {
			return
		}
		if strings.ContainsFunc(value, forbidden) {
			err = fmt.Errorf("event %s: its %s has a character that CloudEvents does not allow", e.ID, name)
			return
		}
		b = append(b, `,"`+name+`":`...)
		b, err = jsontext.AppendQuote(b, value)
	}
	member("id", e.ID)
	member("source", (&url.URL{Path: source}).String())
	member("type", e.Type)
	member("subject", e.Task)
	member("time", e.Time.UTC().Format(time.RFC3339Nano))
	member("datacontenttype", "application/json")
	if e.Seq > 0 {
		member("sequence", fmt.Sprintf("%020d", e.Seq)) // of one length, so that the order of texts is that of numbers
	}
	member("traceid", e.Trace)
	member("parentid", e.Parent)
	member("schemaversion", strconv.Itoa(e.Version))
	if err != nil {
		return nil, err
	}
	b = append(b, `,"data":`...)
	if len(e.Payload) == 0 {
		b = append(b, "{}"...)
	}
	return append(append(b, e.Payload...), '}'), nil
}

// forbidden are the characters of section 3.2 of the specification: controls,
// and code points that are no characters.
func forbidden(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
}
