package observer_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/observerstub"
	"assay/observer"
)

// The contract's nonce holds zeqond and slug and nothing else, and the
// contract's client takes the zeqond from the clock. Two rows in one tick of
// 0.777 s then share key and nonce. This file is what somebody on the wire makes
// of two such rows, with nothing but the standard library and a pencil: the
// field's arithmetic is that of NIST SP 800-38D, section 6.3.

// clockSeal is the client of the contract's page: nobody reserves anything.
func clockSeal(t *testing.T, zeqond int64, slug string, plain []byte) []byte {
	t.Helper()
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte("ZeqField/PhaseLockedNonce/v1"))
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := sha256.Sum256(fmt.Appendf(nil, "phase-lock|%d|%s", zeqond, slug))
	return gcm.Seal(nil, nonce[:12], plain, nil)
}

// element is one of GF(2^128), its first bit the highest of hi.
type element struct{ hi, lo uint64 }

func block(b []byte) element {
	var full [16]byte
	copy(full[:], b)
	return element{binary.BigEndian.Uint64(full[:8]), binary.BigEndian.Uint64(full[8:])}
}

func (x element) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, x.hi), x.lo)
}

func (x element) plus(y element) element { return element{x.hi ^ y.hi, x.lo ^ y.lo} }

func (x element) times(y element) element {
	var z element
	for i := range 128 {
		bit := y.hi >> (63 - i%64) & 1
		if i >= 64 {
			bit = y.lo >> (63 - i%64) & 1
		}
		if bit == 1 {
			z = z.plus(x)
		}
		carry := x.lo & 1
		x.lo, x.hi = x.lo>>1|x.hi<<63, x.hi>>1
		if carry == 1 {
			x.hi ^= 0xe1 << 56
		}
	}
	return z
}

func (x element) square(times int) element {
	for range times {
		x = x.times(x)
	}
	return x
}

// root is the square root, x^(2^127): squaring is one to one here.
func (x element) root() element { return x.square(127) }

// inverse is x^(2^128-2).
func (x element) inverse() element {
	result := element{1 << 63, 0} // one
	for range 127 {
		x = x.times(x)
		result = result.times(x)
	}
	return result
}

// ghash is GHASH of a ciphertext without associated data.
func ghash(h element, ct []byte) element {
	var y element
	for b := range chunks(ct) {
		y = y.plus(block(b)).times(h)
	}
	return y.plus(element{0, uint64(len(ct)) * 8}).times(h)
}

func chunks(b []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(16, len(b))
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

func xor(a, b []byte) []byte {
	out := make([]byte, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// hashKey solves for H of two sealed payloads of one block that share a nonce:
// their tags differ by (c1 + c2) H^2, for all the rest is equal.
func hashKey(a, b []byte) element {
	tags := block(a[16:]).plus(block(b[16:]))
	return tags.times(block(a[:16]).plus(block(b[:16])).inverse()).root()
}

// forge seals another plaintext like one that is known, sealed as it was: the
// key stream and the mask of the tag are its own.
func forge(h element, known, sealed, plain []byte) []byte {
	ct, tag := sealed[:len(known)], sealed[len(known):]
	stream := xor(known, ct)
	mask := ghash(h, ct).plus(block(tag))
	forged := xor(stream, plain)
	return append(forged, ghash(h, forged).plus(mask).bytes()...)
}

// post sends one sealed row to the endpoint, as anybody on the wire could replay
// it (the attacker sits where the key passes, or is one of those who have it).
func post(t *testing.T, g *rig, zeqond int64, sealed []byte) (int, string) {
	t.Helper()
	body := fmt.Sprintf(`{"type":"stage-complete","zeqond":"%d","payload_ct":"%s"}`, zeqond, hex.EncodeToString(sealed))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.server.URL+"/api/chain/nb/event", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestForgery(t *testing.T) {
	t.Parallel()
	const tick = int64(2_287_568_432)
	known, secret := []byte(`{"grade":"fail"}`), []byte(`{"grade":"C-  "}`)
	a, b := clockSeal(t, tick, "nb", known), clockSeal(t, tick, "nb", secret)

	// One guessed payload gives away the other.
	if got := xor(xor(a[:16], known), b[:16]); !bytes.Equal(got, secret) {
		t.Fatalf("recovered %q", got)
	}
	// The two give away H, which no recipe but the key should give.
	h := hashKey(a, b)
	phase := observer.PhaseKey(key, 0)
	aesKey, err := aes.NewCipher(phase[:])
	if err != nil {
		t.Fatal(err)
	}
	var want [16]byte
	aesKey.Encrypt(want[:], want[:])
	if h != block(want[:]) {
		t.Fatalf("recovered H %x, want %x", h.bytes(), want)
	}

	// A row that nobody wrote, in the same zeqond: the receiver takes it.
	g := newRig(t, observerstub.Options{})
	if status, answer := post(t, g, tick, forge(h, known, a, []byte(`{"grade":"100%"}`))); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	// And a whole row at another zeqond, where nothing was used twice: H is of the
	// key, and one row that can be guessed lends its key stream.
	row := g.stages(t, 1)[0].Payload
	var r map[string]any
	if err := json.Unmarshal(row, &r); err != nil {
		t.Fatal(err)
	}
	lie := bytes.Replace(row, []byte(`"observation":"0"`), []byte(`"observation":"1"`), 1)
	if bytes.Equal(lie, row) {
		t.Fatal("the row has no observation")
	}
	if status, answer := post(t, g, tick+1000, forge(h, row, clockSeal(t, tick+1000, "nb", row), lie)); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	if got := g.stub.Rows()[1].Payload; string(got) != string(lie) {
		t.Errorf("the receiver has %s", got)
	}
	// The receiver notices only when the true row comes as well, and then the key is lost.
	if status, answer := post(t, g, tick, a); status != http.StatusConflict || !strings.Contains(answer, "zeqond_conflict") {
		t.Errorf("%d %s", status, answer)
	}
	if st := g.stub.State(); len(st.Burnt) != 1 {
		t.Errorf("%+v", st)
	}
}

// The same two payloads, in the same tick of a clock that stands still: behind
// the allocator no nonce is shared, and the equations give nothing.
func TestForgeryBehindTheAllocator(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	lock, err := openLock(t, g.store, &observer.LockOptions{
		Key: key, Slug: "nb", Mark: filepath.Join(t.TempDir(), "mark"),
		Now: func() time.Time { return at(2_287_568_432 * 777) },
	})
	if err != nil {
		t.Fatal(err)
	}
	known := []byte(`{"grade":"fail"}`)
	var zs []int64
	var sealed [][]byte
	for _, plain := range [][]byte{known, []byte(`{"grade":"C-  "}`)} {
		z, ct, err := lock.Seal(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(ct)
		if err != nil {
			t.Fatal(err)
		}
		zs, sealed = append(zs, z), append(sealed, raw)
	}
	if zs[0] == zs[1] || observer.PhaseNonce(zs[0], "nb") == observer.PhaseNonce(zs[1], "nb") {
		t.Fatalf("a nonce twice: zeqonds %v", zs)
	}
	if got := xor(xor(sealed[0][:16], known), sealed[1][:16]); bytes.Contains(got, []byte("grade")) {
		t.Errorf("the other payload is readable: %q", got)
	}
	h := hashKey(sealed[0], sealed[1])
	for i, z := range []int64{zs[0], zs[1], zs[1] + 1} {
		if status, answer := post(t, g, z, forge(h, known, sealed[i%2], []byte(`{"grade":"100%"}`))); status != http.StatusBadRequest || !strings.Contains(answer, "bad_tag") {
			t.Errorf("at %d: %d %s", z, status, answer)
		}
	}
	if status, answer := post(t, g, zs[0], sealed[0]); status != http.StatusCreated {
		t.Errorf("the true row: %d %s", status, answer)
	}
}
