package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
)

// attestKey is a log's key for the tests: the same seed gives the same key.
func attestKey(t testing.TB, origin string, seed byte) (vkey string, v note.Verifier, sign func([]byte) ([]byte, error), private ed25519.PrivateKey) {
	t.Helper()
	private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	vkey, err := note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	if v, err = NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	return vkey, v, func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }, private
}

const attestLog = "assay.example/1f2e"

// attestNotebook stands for the output's bytes: an attestation looks at them as bytes alone.
var attestNotebook = []byte(`{"cells": []}`)

func attestFacts() *RunFacts {
	at := time.Date(2026, 11, 21, 17, 0, 0, 123456000, time.UTC)
	return &RunFacts{
		Input: &InputFacts{File: DigestBytes([]byte("in")), Source: DigestBytes([]byte("source")), Size: 2},
		Parameters: []ParameterFact{
			{Name: "alpha", Value: "0.5"},
			{Name: "who", Value: `"Ünï 🎉 \"q\" </script>"`},
			{Name: "big", Value: "123456789012345678901234567890"},
			{Name: "token", Secret: "@env:API_TOKEN", Commitment: DigestBytes([]byte("c"))},
		},
		Kernel:      &KernelFacts{Name: "python3", DisplayName: "Python 3", Language: "python", LanguageVersion: "3.11.7", Implementation: "ipython", ImplementationVersion: "9.1", ProtocolVersion: "5.3", Via: "local"},
		Environment: &EnvironmentFacts{Interpreter: "/v/bin/python", Version: "3.11.7", Platform: "linux/amd64", Manager: "venv", Source: "read", Packages: []PackageFact{{Name: "numpy", Version: "2.1"}, {Name: "six", Version: "1.16", Origin: "file:///six (editable)"}}, Gaps: []string{"a <gap>"}},
		Output:      &OutputFacts{File: DigestBytes(attestNotebook), Source: DigestBytes([]byte("s")), Outputs: DigestBytes([]byte("o")), Rest: DigestBytes([]byte("r")), Size: 13},
		Names:       NameFacts{Input: "s3://bucket/private/report.ipynb?versionId=7", Output: "/home/ana/out.ipynb", User: "ana", Host: "h", AskedBy: "ana"},
		Result:      ResultFacts{State: "succeeded", Trigger: "command", Start: at, End: at.Add(time.Second), Assay: "1.0", Completeness: "proven"},
		Secrets:     []SecretFact{{Name: "token", Salt: [32]byte{9}}},
	}
}

// attestReceipt is a receipt of those facts, as far as an attestation reads
// one: proof and checkpoint are another matter.
func attestReceipt(f *RunFacts, origin, state string, hide ...string) *Receipt {
	n := byte(0)
	payloads := f.Payloads(func() [32]byte { n++; return [32]byte{n} })
	e := Entry{Kind: KindRun, ID: "20261121T170000Z-1", Log: origin, Time: f.Result.End, State: state, Facts: FactsDigest(Commitments(payloads))}
	r := &Receipt{Log: origin, Entry: string(e.Encode()), Commitments: Commitments(payloads)}
	for _, p := range payloads {
		if p.Name != SecretsPayload && !strings.Contains(strings.Join(hide, " "), p.Name) {
			r.Payloads = append(r.Payloads, p)
		}
	}
	return r
}

func attestBytes(t testing.TB, f *RunFacts) []byte {
	t.Helper()
	vkey, _, sign, _ := attestKey(t, attestLog, 1)
	data, err := Attest(attestReceipt(f, attestLog, "succeeded"), vkey, sign)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAttestRoundTrip(t *testing.T) {
	t.Parallel()
	f := attestFacts()
	data := attestBytes(t, f)
	a, err := ParseAttestation(data)
	if err != nil {
		t.Fatal(err)
	}
	want := &Statement{
		Name: "out.ipynb", Output: f.Output.File, InputName: "report.ipynb", Input: f.Input.File,
		Parameters: f.Parameters, Kernel: f.Kernel, Environment: f.Environment,
		Assay: "1.0", Start: f.Result.Start, End: f.Result.End, Leaf: attestReceipt(f, attestLog, "succeeded").Entry,
	}
	if diff := cmp.Diff(want, a.Statement); diff != "" {
		t.Errorf("-want +read:\n%s", diff)
	}
	if !bytes.Equal(a.Encode(), data) {
		t.Error("written again it is another text")
	}
	if again := attestBytes(t, attestFacts()); !bytes.Equal(again, data) {
		t.Error("the same run gives another attestation")
	}
	payload := a.Statement.Encode()
	for _, private := range []string{"/home", "bucket", "versionId", "\"h\"", "secrets", "0900000"} {
		if bytes.Contains(payload, []byte(private)) {
			t.Errorf("it tells %s", private)
		}
	}
	if !json.Valid(payload) || !json.Valid(data) {
		t.Error("no JSON")
	}
}

func TestAttestRefuses(t *testing.T) {
	t.Parallel()
	vkey, _, sign, _ := attestKey(t, attestLog, 1)
	other, _, otherSign, _ := attestKey(t, "another/log", 1)
	_, _, wrong, _ := attestKey(t, attestLog, 2)
	good := attestReceipt(attestFacts(), attestLog, "succeeded")
	act := Entry{Kind: KindErased, ID: "x", Log: attestLog, Subject: "y", Time: time.Unix(1, 0)}
	long := attestFacts()
	long.Kernel = nil
	cases := map[string]struct {
		r    *Receipt
		vkey string
		sign func([]byte) ([]byte, error)
		want string
	}{
		"failed run":       {attestReceipt(attestFacts(), attestLog, "failed"), vkey, sign, "only outputs of runs that did"},
		"no run":           {&Receipt{Entry: string(act.Encode())}, vkey, sign, "is no run"},
		"no entry":         {&Receipt{}, vkey, sign, "entry"},
		"hidden output":    {attestReceipt(attestFacts(), attestLog, "succeeded", PayloadOutput), vkey, sign, "does not show"},
		"hidden result":    {attestReceipt(attestFacts(), attestLog, "succeeded", PayloadResult), vkey, sign, "does not show"},
		"no kernel":        {attestReceipt(long, attestLog, "succeeded"), vkey, sign, "does not show"},
		"key of another":   {good, other, otherSign, "not in its log"},
		"another key":      {good, vkey, wrong, "another key"},
		"no key":           {good, "x", sign, "not a verifier key"},
		"sign fails":       {good, vkey, func([]byte) ([]byte, error) { return nil, errors.New("no") }, "sign: no"},
		"signature is nil": {good, vkey, func([]byte) ([]byte, error) { return nil, nil }, "another key"},
	}
	for name, c := range cases {
		if _, err := Attest(c.r, c.vkey, c.sign); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := Attest(attestReceipt(attestFacts(), attestLog, "failed"), vkey, sign); !errors.Is(err, ErrNotAttested) {
		t.Errorf("a failed run: %v", err)
	}
	// What is withheld or unknown is left out, and the rest is attested.
	data, err := Attest(attestReceipt(attestFacts(), attestLog, "succeeded", PayloadInput, PayloadEnvironment, PayloadNames), vkey, sign)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseAttestation(data)
	if err != nil || !a.Statement.Input.IsZero() || a.Statement.Environment != nil || a.Statement.Name != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestVerifyAttestation(t *testing.T) {
	t.Parallel()
	data := attestBytes(t, attestFacts())
	_, v, _, _ := attestKey(t, attestLog, 1)
	_, sameKeyOtherLog, _, _ := attestKey(t, "another/log", 1)
	_, otherKey, _, _ := attestKey(t, attestLog, 2)
	cases := map[string]struct {
		data    []byte
		o       *VerifyOptions
		ok      bool
		problem string
	}{
		"good":               {data, &VerifyOptions{Keys: []note.Verifier{otherKey, v}, Notebook: attestNotebook}, true, ""},
		"without notebook":   {data, &VerifyOptions{Keys: []note.Verifier{v}}, true, ""},
		"another notebook":   {data, &VerifyOptions{Keys: []note.Verifier{v}, Notebook: append(attestNotebook, ' ')}, false, "the run wrote"},
		"no keys":            {data, nil, false, "no key"},
		"another key":        {data, &VerifyOptions{Keys: []note.Verifier{otherKey}}, false, "no key"},
		"key of another log": {data, &VerifyOptions{Keys: []note.Verifier{sameKeyOtherLog}}, false, "no key"},
		"not an attestation": {[]byte("{}\n"), &VerifyOptions{Keys: []note.Verifier{v}}, false, "not an attestation"},
	}
	for name, c := range cases {
		got := VerifyAttestation(c.data, c.o)
		if got.OK != c.ok || (len(got.Problems) == 0) != c.ok || !c.ok && !strings.Contains(got.Problems[0].What, c.problem) {
			t.Errorf("%s: %+v", name, got)
		}
		if !got.OK && name != "another notebook" && (len(got.Proved) > 0 || len(got.NotProved) == 0) {
			t.Errorf("%s: proves %q", name, got.Proved)
		}
	}
}

// Every byte of the file, changed to several others: either it is refused, or
// it does not verify. The id of the key is not signed and may only become
// another id.
func TestFaultAttestationFlips(t *testing.T) {
	t.Parallel()
	f := attestFacts()
	f.Environment.Packages = f.Environment.Packages[:1]
	data := attestBytes(t, f)
	_, v, _, _ := attestKey(t, attestLog, 1)
	o := &VerifyOptions{Keys: []note.Verifier{v}}
	id := bytes.Index(data, []byte(`"keyid":"`)) + len(`"keyid":"`)
	tries, missed, hints := 0, 0, 0
	check := func(i int, bad []byte) {
		tries++
		switch {
		case !VerifyAttestation(bad, o).OK:
		case i >= id && i < id+64 && len(bad) == len(data):
			hints++
		default:
			missed++
			t.Errorf("a change at byte %d of %d is not seen", i, len(data))
		}
	}
	for i := range data {
		for _, c := range []byte{data[i] ^ 1, data[i] ^ 0x20, ' ', '0', 'A', '"', '=', 0} {
			if c != data[i] {
				bad := bytes.Clone(data)
				bad[i] = c
				check(i, bad)
			}
		}
		check(i, data[:i])
		check(i, append(append(bytes.Clone(data[:i]), data[i]), data[i:]...))
	}
	if hints == 0 {
		t.Error("the id of the key is compared with nothing, and no other id is taken for it")
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "a byte of an attestation changed, cut off or doubled", tries, 0, 0, missed,
		fmt.Sprintf("%d changed the key's id alone, which is a hint and not signed", hints))
}

// A checkpoint's text and what is signed here can never be the same bytes.
func TestAttestationIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	message := preAuth(mustStatement(t, string(attestBytes(t, attestFacts()))))
	if !bytes.HasPrefix(message, []byte("DSSEv1 ")) || bytes.ContainsRune(message, '\n') {
		t.Errorf("%.80q", message)
	}
}

func FuzzParseAttestation(f *testing.F) {
	data := attestBytes(f, attestFacts())
	f.Add(data)
	a, err := ParseAttestation(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.Statement.Encode())
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}` + "\n"))
	_, v, _, _ := attestKey(f, attestLog, 1)
	payload := a.Statement.Encode()
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := ParseStatement(data); err == nil && !bytes.Equal(s.Encode(), data) {
			t.Error("a statement has two texts")
		}
		a, err := ParseAttestation(data)
		if err == nil && !bytes.Equal(a.Encode(), data) {
			t.Error("an attestation has two texts")
		}
		if err == nil && a.SignedBy(v) && !bytes.Equal(a.Statement.Encode(), payload) {
			t.Error("forged")
		}
	})
}
