package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// testCosigner is a witness, written after C2SP tlog-cosignature.
type testCosigner struct {
	name, vkey string
	key        ed25519.PrivateKey
	at         uint64
}

func cosigner(t testing.TB, name string, seed byte) *testCosigner {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	raw := append([]byte{4}, key.Public().(ed25519.PublicKey)...)
	c := &testCosigner{name: name, key: key, at: 1795280400}
	c.vkey = fmt.Sprintf("%s+%08x+%s", name, keyHash(name, raw), base64.StdEncoding.EncodeToString(raw))
	return c
}

func (c *testCosigner) Name() string { return c.name }
func (c *testCosigner) KeyHash() uint32 {
	return keyHash(c.name, append([]byte{4}, c.key.Public().(ed25519.PublicKey)...))
}

func (c *testCosigner) Sign(msg []byte) ([]byte, error) {
	sig := ed25519.Sign(c.key, append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", c.at)), msg...))
	return append(binary.BigEndian.AppendUint64(nil, c.at), sig...), nil
}

func (c *testCosigner) sign(t testing.TB, msg []byte, log note.Verifier) []byte {
	t.Helper()
	n, err := note.Open(msg, note.VerifierList(log))
	if err != nil {
		t.Fatal(err)
	}
	out, err := note.Sign(n, c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWitnesses(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	key := verifier(t, l.vkey)
	a, b := cosigner(t, "a.witness", 1), cosigner(t, "b.witness", 2)
	var given []note.Verifier
	for _, w := range []*testCosigner{a, b} {
		v, err := NewCosignatureVerifier(w.vkey)
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, v)
	}
	r := l.receipt(1)
	plain := r.Checkpoint
	r.Checkpoint = string(a.sign(t, []byte(plain), key))
	one := r.Encode()
	v := Verify(one, &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: given, Quorum: 1})
	if !v.OK || !strings.Contains(strings.Join(v.Proved, "\n"), "the witness a.witness saw at 2026-11-21T17:00:00Z") {
		t.Errorf("one of one: %+v", v)
	}
	if strings.Contains(strings.Join(v.NotProved, "\n"), "no witness") {
		t.Errorf("a witness cosigned: %q", v.NotProved)
	}
	if v := Verify(one, &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: given, Quorum: 2}); v.OK || !strings.Contains(problems(v), "1 of the given witnesses cosigned it, 2 must have") {
		t.Errorf("one of two: %+v", v)
	}
	if v := Verify(one, &VerifyOptions{Keys: []note.Verifier{key}}); !v.OK || !strings.Contains(strings.Join(v.NotProved, "\n"), "no witness that you gave") {
		t.Errorf("a witness that was not given: %+v", v)
	}
	if v := Verify(one, &VerifyOptions{Witnesses: given, Quorum: 1}); v.OK {
		t.Error("a witness alone vouches for no log")
	}
	if v := Verify(one, &VerifyOptions{Keys: given, Quorum: 0}); v.OK {
		t.Error("a witness's key is no log's key")
	}
	r.Checkpoint = string(b.sign(t, []byte(r.Checkpoint), key))
	if v := Verify(r.Encode(), &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: append(given, given...), Quorum: 2}); !v.OK {
		t.Errorf("two of two: %s", problems(v))
	}
	// The time is signed: another one does not verify.
	raw, _ := base64.StdEncoding.DecodeString(strings.Fields(r.Checkpoint[strings.Index(r.Checkpoint, "a.witness"):])[1])
	late := append([]byte{}, raw...)
	late[4+7]++
	r.Checkpoint = strings.Replace(r.Checkpoint, base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString(late), 1)
	if v := Verify(r.Encode(), &VerifyOptions{Keys: []note.Verifier{key}, Witnesses: given}); v.OK {
		t.Error("a cosignature with another time verified")
	}
	if _, ok := CosignatureTime(note.Signature{Base64: "AAAA"}); ok {
		t.Error("a time in what is no cosignature")
	}
	if at, ok := CosignatureTime(note.Signature{Base64: base64.StdEncoding.EncodeToString(raw)}); !ok || !at.Equal(time.Unix(int64(a.at), 0)) {
		t.Errorf("time %v", at)
	}
}

// A witness that is a log's namesake does not stand in for the log's key.
func TestWitnessNamedAsLog(t *testing.T) {
	t.Parallel()
	l := smallLog(t)
	w := cosigner(t, testOrigin, 5)
	wv, err := NewCosignatureVerifier(w.vkey)
	if err != nil {
		t.Fatal(err)
	}
	forger := newTestLog(t, testOrigin, 99)
	e, ps := testRun(t, "r", testNotebook)
	forger.add(e, ps)
	r := forger.receipt(0)
	r.Checkpoint = string(w.sign(t, []byte(r.Checkpoint), verifier(t, forger.vkey)))
	if v := Verify(r.Encode(), &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}, Witnesses: []note.Verifier{wv}}); v.OK {
		t.Error("a witness of the log's name vouched for the log")
	}
}

func TestKeySpelling(t *testing.T) {
	t.Parallel()
	_, vkey := testKey(t, "o", 1)
	w := cosigner(t, "o", 1).vkey
	hash, key, _ := strings.Cut(strings.TrimPrefix(vkey, "o+"), "+")
	for name, bad := range map[string]string{
		"upper case": "o+" + strings.ToUpper(hash) + "+" + key, "another hash": "o+00000000+" + key, "another name": "p+" + hash + "+" + key,
		"no key": "o+" + hash, "a space": vkey + " ", "a private key": "PRIVATE+KEY+" + vkey, "slack": strings.TrimRight(key, "="), "a witness": w, "empty": "", "line end": vkey + "\n",
	} {
		if _, err := NewVerifier(bad); err == nil {
			t.Errorf("%s: %q was taken", name, bad)
		}
	}
	if _, err := NewCosignatureVerifier(vkey); err == nil {
		t.Error("a log's key was taken for a witness's")
	}
	if _, err := NewCosignatureVerifier(w); err != nil {
		t.Error(err)
	}
}
