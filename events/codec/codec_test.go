package codec_test

import (
	"bytes"
	"crypto/sha3"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/events/codec"
)

func env(vars map[string]string) *codec.Env {
	return codec.EnvKeys("ASSAY_EVENT_KEY", func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
}

var (
	keyA = strings.Repeat("a1", 32)
	keyB = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xb2}, 32))
)

func sample() events.Event {
	return events.Event{
		ID: "id", Trace: "trace", Task: "task", Parent: "parent", Type: "harness.run.started", Source: "assay",
		Time: time.Unix(1e9, 0).UTC(), Version: 1, Payload: []byte(`{"secret":"value"}`),
	}
}

func mustCodec(t *testing.T, keys codec.Keys, o *codec.Options) *codec.Codec {
	t.Helper()
	c, err := codec.New(keys, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func seal(t *testing.T, c *codec.Codec, e events.Event) []byte {
	t.Helper()
	plain, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := c.Seal(e, plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestRoundTripAndRotation(t *testing.T) {
	t.Parallel()
	e := sample()
	plain, _ := e.Encode()
	vars := map[string]string{"ASSAY_EVENT_KEY": keyA}
	c := mustCodec(t, env(vars), nil)
	old := seal(t, c, e)
	if old[0] != codec.TagXAES || bytes.Contains(old, []byte("value")) || bytes.Equal(old, seal(t, c, e)) {
		t.Errorf("sealed: %q", old)
	}
	vars["ASSAY_EVENT_KEY_2027"], vars["ASSAY_EVENT_KEY_ID"] = keyB, "2027"
	if sealed := seal(t, c, e); !bytes.Contains(sealed, []byte("2027")) {
		t.Errorf("after the rotation the new key is not named")
	} else if got, err := c.Open(e, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := c.Open(e, old); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the old one after the rotation: %s, %v", got, err)
	}
	delete(vars, "ASSAY_EVENT_KEY")
	if _, err := c.Open(e, old); !errors.Is(err, codec.ErrKey) || strings.Contains(err.Error(), keyA[:8]) {
		t.Errorf("without its key: %v", err)
	}
}

// Every byte of a sealed event, every column and every cut is noticed.
func TestTampering(t *testing.T) {
	t.Parallel()
	e := sample()
	c := mustCodec(t, env(map[string]string{"ASSAY_EVENT_KEY": keyA, "ASSAY_EVENT_KEY_eefault": keyA}), nil)
	sealed := seal(t, c, e)
	for i := range sealed {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(sealed)
			bad[i] ^= flip
			// Without RequireEncryption tag 0 is what anybody may write; it then reads as it stands.
			if bad[0] == codec.TagPlain {
				continue
			}
			if got, err := c.Open(e, bad); err == nil {
				t.Errorf("byte %d changed by %#x opens as %q", i, flip, got)
			}
		}
		if _, err := c.Open(e, sealed[:i]); err == nil {
			t.Errorf("the first %d bytes open", i)
		}
	}
	for name, change := range map[string]func(*events.Event){
		"id": func(e *events.Event) { e.ID += "x" }, "trace": func(e *events.Event) { e.Trace = "" }, "task": func(e *events.Event) { e.Task = "t" },
		"parent": func(e *events.Event) { e.Parent = "" }, "type": func(e *events.Event) { e.Type = "data.x" }, "source": func(e *events.Event) { e.Source = "s" },
		"moved": func(e *events.Event) { e.Trace, e.Task = e.Trace+"t", e.Task[1:] },
	} {
		other := e
		change(&other)
		if _, err := c.Open(other, sealed); !errors.Is(err, codec.ErrOpen) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	for _, bad := range [][]byte{nil, {7}, {255, 1, 2}, {1}, {2}, {2, 0}, {2, 200, 1}, {128}, {128, 0}, {128, 7, 'd'}} {
		if _, err := c.Open(e, bad); err == nil {
			t.Errorf("%v opens", bad)
		}
	}
}

func TestRequireEncryption(t *testing.T) {
	t.Parallel()
	if _, err := codec.New(nil, &codec.Options{RequireEncryption: true}); !errors.Is(err, codec.ErrPlain) {
		t.Errorf("without keys: %v", err)
	}
	plain := mustCodec(t, nil, nil)
	e := sample()
	sealed := seal(t, plain, e)
	if sealed[0] != codec.TagPlain {
		t.Errorf("tag %d", sealed[0])
	}
	keys := env(map[string]string{"ASSAY_EVENT_KEY": keyA})
	if got, err := mustCodec(t, keys, nil).Open(e, sealed); err != nil || !bytes.Equal(got, sealed[1:]) {
		t.Errorf("plain rows after keys were given: %q, %v", got, err)
	}
	if _, err := mustCodec(t, keys, &codec.Options{RequireEncryption: true}).Open(e, sealed); !errors.Is(err, codec.ErrPlain) {
		t.Errorf("plain rows where encryption is required: %v", err)
	}
	if _, err := plain.Open(e, seal(t, mustCodec(t, keys, nil), e)); !errors.Is(err, codec.ErrKey) {
		t.Errorf("without keys: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string]map[string]string{
		"missing": {}, "no key of that id": {"ASSAY_EVENT_KEY_ID": "x", "ASSAY_EVENT_KEY": keyA},
		"short": {"ASSAY_EVENT_KEY": keyA[2:]}, "not base64": {"ASSAY_EVENT_KEY": strings.Repeat("!", 44)},
		"long id": {"ASSAY_EVENT_KEY_ID": strings.Repeat("x", 256)}, "empty id": {"ASSAY_EVENT_KEY_ID": "", "ASSAY_EVENT_KEY": keyA},
	} {
		if _, err := codec.New(env(vars), nil); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), keyA[2:20]) {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
	if env(nil).Given() || !env(map[string]string{"ASSAY_EVENT_KEY": keyA}).Given() || !env(map[string]string{"ASSAY_EVENT_KEY_ID": "x"}).Given() {
		t.Error("Given")
	}
	for _, text := range []string{keyA, strings.ToUpper(keyA), " " + keyB + "\n"} {
		if _, err := codec.New(env(map[string]string{"ASSAY_EVENT_KEY": text}), nil); err != nil {
			t.Error(err)
		}
	}
}

// The vectors of the C2SP specification of XAES-256-GCM.
func TestXAES(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		key       byte
		aad, want string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		aead, err := codec.XAES(bytes.Repeat([]byte{v.key}, 32), nonce)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(aead.Seal(nil, nonce[12:], []byte("XAES-256-GCM"), []byte(v.aad))); got != v.want {
			t.Errorf("key %d: got %s, want %s", v.key, got, v.want)
		}
	}
	// 10,000 random inputs; all that is random comes from SHAKE-128 of nothing.
	random, all := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte { b := make([]byte, n); _, _ = random.Read(b); return b }
	for range 10000 {
		key, nonce := read(32), read(24)
		plain := read(int(read(1)[0]))
		aad := read(int(read(1)[0]))
		aead, err := codec.XAES(key, nonce)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = all.Write(aead.Seal(nil, nonce[12:], plain, aad))
	}
	sum := make([]byte, 32)
	_, _ = all.Read(sum)
	if got := hex.EncodeToString(sum); got != "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939" {
		t.Errorf("accumulated: %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	e := sample()
	c, err := codec.New(env(map[string]string{"ASSAY_EVENT_KEY": keyA}), nil)
	if err != nil {
		f.Fatal(err)
	}
	sealed, _ := c.Seal(e, []byte("{}"))
	f.Add(sealed)
	f.Add([]byte{2, 1, 'a', 0})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := c.Open(e, b)
		if err == nil && b[0] != codec.TagPlain && string(got) != "{}" { // all that was ever sealed with this key
			t.Errorf("%x opens as %q", b, got)
		}
	})
}
