package local

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/executor"
)

// What is encoded is decoded to the same, content to the byte.
func TestWire(t *testing.T) {
	t.Parallel()
	m := executor.Message{
		Channel:  executor.Shell,
		Header:   executor.Header{MsgID: "a_1_1", Session: "a", Username: "me", Date: "2026-01-02T03:04:05.000000Z", Type: "execute_request", Version: "5.4"},
		Parent:   executor.Header{MsgID: "b_1_1", Session: "b", Type: "x"},
		Metadata: json.RawMessage(`{"a": 1.0}`),
		Content:  json.RawMessage("{\"n\": NaN, \"big\": 1e999, \"bytes\": \"\xff\"}"),
		Buffers:  [][]byte{{0, 1}, {}},
	}
	parts, err := newSigner("key").encode(m)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	r := raw{channel: executor.Shell, at: at, parts: append([][]byte{[]byte("route"), {}}, parts...)}
	got, err := newDecoder("key").decode(r)
	if err != nil {
		t.Fatal(err)
	}
	m.Received = at
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string]func([][]byte){
		"key":       func([][]byte) {},
		"signature": func(p [][]byte) { p[1] = []byte("0123") },
		"content":   func(p [][]byte) { p[5] = []byte("{}") },
		"header":    func(p [][]byte) { p[2] = append([]byte(" "), p[2]...) },
	} {
		changed := append([][]byte{}, parts...)
		change(changed)
		key := "key"
		if name == "key" {
			key = "other"
		}
		if _, err := newDecoder(key).decode(raw{channel: executor.IOPub, parts: changed}); err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("changed %s: %v", name, err)
		}
	}
	if _, err := newDecoder("").decode(raw{parts: parts}); err != nil {
		t.Errorf("without a key: %v", err)
	}
	if _, err := newDecoder("key").decode(raw{parts: parts[:5]}); err == nil {
		t.Error("a message of five parts was taken")
	}
}

// The spill file gives back what it was given.
func TestCodec(t *testing.T) {
	t.Parallel()
	want := raw{channel: executor.IOPub, at: time.Unix(5, 6), parts: [][]byte{{}, []byte("a"), make([]byte, 300)}}
	got, err := codec.Decode(codec.Encode(nil, want))
	if err != nil || got.channel != want.channel || !got.at.Equal(want.at) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff(fmt.Sprint(want.parts), fmt.Sprint(got.parts)); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderForms(t *testing.T) {
	t.Parallel()
	full := executor.Header{MsgID: "m", Session: "s", Username: "u", Date: "d", Type: "t", Version: "5.3", SubshellID: "h"}
	for _, c := range []struct {
		text string
		want executor.Header
	}{
		{`{}`, executor.Header{}},
		{` { } `, executor.Header{}},
		{"{\n}\n", executor.Header{}},
		{`{"msg_id":"m","session":"s","username":"u","date":"d","msg_type":"t","version":"5.3","subshell_id":"h"}`, full},
		{"{\"msg_id\" : \"m\",\n\t\"session\": \"s\", \"username\":\"u\",\"date\":\"d\",\"msg_type\":\"t\",\"version\":\"5.3\",\"subshell_id\":\"h\",\"x\":\"y\"}", full},
		{`{"msg_id":"m","msg_type":"t","subshell_id":null}`, executor.Header{MsgID: "m", Type: "t"}},
		{`{"msg_id":"m","msg_type":"t","date":1767323045.5,"username":null,"x":{"y":[1]}}`, executor.Header{MsgID: "m", Type: "t"}},
		{`{"msg_id":"m\u00e9\"","msg_type":"t"}`, executor.Header{MsgID: "mé\"", Type: "t"}},
		{`{"msg_id":"mé","msg_type":"t"}`, executor.Header{MsgID: "mé", Type: "t"}},
	} {
		text, want := c.text, c.want
		var n names
		for range 2 { // the second time strings are known
			got, err := n.header([]byte(text))
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	}
	for _, text := range []string{``, `[]`, `null x`, `{"msg_id":"m"`, `{"msg_id":"m",}`, `{"x":"y"}`, `{"msg_id":}`, `{"msg_id":"m"} x`} {
		if got, err := new(names).header([]byte(text)); err == nil {
			t.Errorf("%s was read as %+v", text, got)
		}
	}
}

// The hand-written reader and encoding/json agree on all that both take.
func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"msg_id":"m","session":"s","username":"u","date":"d","msg_type":"t","version":"5.3"}`))
	f.Add([]byte(`{"msg_id" : null , "msg_type":"t", "x": "y"}`))
	f.Add([]byte(`{"a":"b","a":"c","msg_id":"1","msg_id":"2"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := new(names).plain(b)
		if !ok {
			return
		}
		var want map[string]*string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%q was read as %+v, and is no object of strings: %v", b, h, err)
		}
		if id := want["msg_id"]; id != nil && *id != h.MsgID {
			t.Errorf("%q: msg_id %q, want %q", b, h.MsgID, *id)
		}
		if kind := want["msg_type"]; kind != nil && *kind != h.Type {
			t.Errorf("%q: msg_type %q, want %q", b, h.Type, *kind)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	m := executor.Message{
		Header:  executor.Header{MsgID: "0123456789abcdef0123_1234_77", Session: "0123456789abcdef0123", Username: "me", Date: "2026-01-02T03:04:05.000000Z", Type: "stream", Version: "5.4"},
		Parent:  executor.Header{MsgID: "fedcba_1_1", Session: "fedcba", Username: "assay", Date: "2026-01-02T03:04:05.000000Z", Type: "execute_request", Version: "5.4"},
		Content: json.RawMessage(`{"name": "stdout", "text": "a line of text\n"}`),
	}
	parts, err := newSigner("key").encode(m)
	if err != nil {
		b.Fatal(err)
	}
	d := newDecoder("key")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.decode(raw{parts: parts}); err != nil {
			b.Fatal(err)
		}
	}
}
