package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/executor"

	"github.com/google/go-cmp/cmp"
)

// The two vectors of the v1 framing that jupyter_server's serializer gives.
func TestV1Vectors(t *testing.T) {
	t.Parallel()
	m := executor.Message{Channel: executor.Shell, Metadata: []byte("{}"), Content: []byte(`{"code":"1"}`)}
	frame := appendV1(nil, m, []byte(`{"msg_id":"m1"}`), []byte("{}"))
	if sum := sha256.Sum256(frame); len(frame) != 92 || hex.EncodeToString(sum[:]) != "d1ffcf0ab7661e9cbd2fda20401538f5480b7f4c34b1960497b5319c3d1b1781" {
		t.Errorf("%d bytes, %x", len(frame), sum)
	}
	m = executor.Message{Channel: executor.IOPub, Metadata: []byte("{}"), Content: []byte("{}"), Buffers: [][]byte{{0, 255}, {}}}
	frame = appendV1(nil, m, []byte(`{"msg_id":"m1"}`), []byte("{}"))
	var offsets []uint64
	for i := range 9 {
		offsets = append(offsets, binary.LittleEndian.Uint64(frame[8*i:]))
	}
	if want := []uint64{8, 72, 77, 92, 94, 96, 98, 100, 100}; len(frame) != 100 || !slices.Equal(offsets, want) {
		t.Errorf("%d bytes, offsets %v", len(frame), offsets)
	}
	var d decoder
	got, err := d.decode(true, true, frame)
	m.Header.MsgID = "m1"
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestLegacyVector(t *testing.T) {
	t.Parallel()
	frame := append([]byte("\x00\x00\x00\x02\x00\x00\x00\x0c\x00\x00\x00\x1f"), `{"channel":"iopub"}`...)
	frame = append(frame, 0x00, 0xff)
	if len(frame) != 33 {
		t.Fatalf("%d bytes", len(frame))
	}
	var d decoder
	m, err := d.decode(false, true, frame)
	if err != nil || m.Channel != executor.IOPub || len(m.Buffers) != 1 || string(m.Buffers[0]) != "\x00\xff" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	plain := executor.Message{
		Channel:  executor.Shell,
		Header:   executor.Header{MsgID: "a", Session: "s", Username: "u", Date: "2026-01-02T03:04:05.000000Z", Type: "execute_request", Version: "5.4"},
		Metadata: []byte(`{"n":123456789012345678901234567890}`),
		Content:  []byte(`{"code":"é\ud800<>&"}`),
	}
	answer := plain
	answer.Parent = executor.Header{MsgID: "p", Session: "s2", Type: "x", SubshellID: "sub"}
	buffers := answer
	buffers.Buffers = [][]byte{{}, []byte("abc"), {0}}
	for _, m := range []executor.Message{plain, answer, buffers} {
		for _, v1 := range []bool{true, false} {
			frame, isBinary, err := encode(v1, m)
			if err != nil {
				t.Fatal(err)
			}
			var d decoder
			got, err := d.decode(v1, isBinary, frame)
			if !v1 { // JSON of JSON: the same value, with its own escapes
				got.Content = []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(got.Content)))
			}
			if diff := cmp.Diff(m, got); err != nil || diff != "" {
				t.Errorf("v1 %v: %v\n%s", v1, err, diff)
			}
		}
	}
}

func TestV1KeepsWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	m := executor.Message{Channel: executor.IOPub, Metadata: []byte("{}"), Content: []byte("{\"x\":NaN,\"s\":\"\xff\xfe\"}")}
	var d decoder
	got, err := d.decode(true, true, appendV1(nil, m, []byte(`{"msg_id":"m","date":1700000000.5}`), []byte("null")))
	if err != nil || string(got.Content) != string(m.Content) || got.Header.MsgID != "m" || got.Parent != (executor.Header{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// The parent that the decoder remembers must never be another message's.
func TestDecoderRemembersParents(t *testing.T) {
	t.Parallel()
	var d decoder
	for _, id := range []string{"a", "a", "b", "", "b", "a"} {
		parent := fmt.Sprintf(`{"msg_id":%q}`, id)
		frame := appendV1(nil, executor.Message{Channel: executor.IOPub}, []byte("{}"), []byte(parent))
		m, err := d.decode(true, true, frame)
		if err != nil || m.Parent.MsgID != id {
			t.Errorf("parent %q, %v, want %q", m.Parent.MsgID, err, id)
		}
		clear(frame) // a caller may do what it wants with its frame
	}
}

func TestBadFrames(t *testing.T) {
	t.Parallel()
	good := appendV1(nil, executor.Message{Channel: executor.IOPub}, []byte("{}"), []byte("{}"))
	with := func(at int, v uint64) string {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint64(b[at:], v)
		return string(b)
	}
	for name, frame := range map[string]string{
		"empty":               "",
		"only a count":        with(0, 6)[:8],
		"too few offsets":     with(0, 5),
		"too many offsets":    with(0, 1<<40),
		"overflowing count":   with(0, 1<<63),
		"wrong first offset":  with(8, 55),
		"offset goes back":    with(16, 3),
		"offset beyond":       with(24, 1<<62),
		"bytes after the end": string(good) + "x",
		"cut":                 string(good[:len(good)-1]),
		"unknown channel":     string(appendV1(nil, executor.Message{Channel: "shel"}, []byte("{}"), []byte("{}"))),
		"header no JSON":      string(appendV1(nil, executor.Message{Channel: "shell"}, []byte("{"), []byte("{}"))),
		"parent no JSON":      string(appendV1(nil, executor.Message{Channel: "shell"}, []byte("{}"), []byte("["))),
	} {
		var d decoder
		if m, err := d.decode(true, true, []byte(frame)); err == nil {
			t.Errorf("%s: no error, %+v", name, m)
		}
	}
	for name, frame := range map[string]string{
		"empty": "", "none": "\x00\x00\x00\x00", "many": "\xff\xff\xff\xff", "offset": "\x00\x00\x00\x01\x00\x00\x00\x07{}",
		"back": "\x00\x00\x00\x02\x00\x00\x00\x0c\x00\x00\x00\x01{}", "no JSON": "\x00\x00\x00\x01\x00\x00\x00\x08{",
	} {
		var d decoder
		if m, err := d.decode(false, true, []byte(frame)); err == nil {
			t.Errorf("legacy %s: no error, %+v", name, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	m := executor.Message{Channel: executor.IOPub, Metadata: []byte("{}"), Content: []byte(`{"a":1}`), Buffers: [][]byte{{1, 2}}}
	for _, v1 := range []bool{true, false} {
		frame, isBinary, err := encode(v1, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v1, isBinary, frame)
	}
	f.Add(false, false, []byte(`{"channel":"shell","header":{"msg_id":"x"},"parent_header":null}`))
	f.Fuzz(func(t *testing.T, v1, isBinary bool, frame []byte) {
		var d decoder
		m, err := d.decode(v1, isBinary, frame)
		if err != nil {
			return
		}
		// What was read is written and read to the same again.
		b, again, err := encode(true, m)
		if err != nil {
			t.Fatal(err)
		}
		n, err := d.decode(true, again, b)
		if err != nil {
			t.Fatal(err)
		}
		if m.Parent.MsgID == "" {
			m.Parent = executor.Header{}
		}
		if string(n.Content) != string(orEmpty(m.Content)) || len(n.Buffers) != len(m.Buffers) || n.Channel != m.Channel || n.Parent != m.Parent {
			t.Errorf("%+v became %+v", m, n)
		}
	})
}

func FuzzSpilled(f *testing.F) {
	f.Add(spillMessage(nil, executor.Message{Channel: executor.IOPub, Received: time.Unix(1, 2)}))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = unspillMessage(b) })
}

func TestSpilledMessage(t *testing.T) {
	t.Parallel()
	m := executor.Message{
		Channel: executor.Stdin, Header: executor.Header{MsgID: "a", Type: "t"}, Parent: executor.Header{Session: "only"},
		Metadata: []byte("{}"), Content: []byte("[NaN]"), Buffers: [][]byte{{1}}, Received: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
	got, err := unspillMessage(spillMessage(nil, m))
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
