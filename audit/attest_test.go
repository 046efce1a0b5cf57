package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"assay/internal/testenv"
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
			{Name: "alpha", Value: "0.5"}, {Name: "who", Value: `"Ünï 🎉 \"q\" </script>"`}, {Name: "big", Value: "123456789012345678901234567890"},
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

// oracleCase is what both other verifiers read.
type oracleCase struct {
	PEM      string `json:"pem"`
	KeyID    string `json:"keyid"`
	Envelope string `json:"envelope"`
	name     string
	good     bool // it verifies, by the given key
}

func oracleCases(t *testing.T) []oracleCase {
	t.Helper()
	vkey, _, sign, private := attestKey(t, attestLog, 1)
	text, id, err := PublicKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil || !bytes.Equal(text, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})) {
		t.Fatalf("the PEM is not that of crypto/x509 (%v)", err)
	}
	otherKey, _, _, _ := attestKey(t, attestLog, 2)
	otherText, otherID, err := PublicKey(otherKey)
	if err != nil {
		t.Fatal(err)
	}
	attest := func(f *RunFacts, hide ...string) string {
		data, err := Attest(attestReceipt(f, attestLog, "succeeded", hide...), vkey, sign)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	full := attest(attestFacts())
	none := attestFacts()
	none.Parameters, none.Environment.Packages = nil, nil
	many := attestFacts()
	for i := range 300 {
		many.Environment.Packages = append(many.Environment.Packages, PackageFact{Name: strings.Repeat("x", i%40+1), Version: "1"})
	}
	payload := base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(mustStatement(t, full)), "out.ipynb", "OUT.ipynb", 1)))
	from := strings.Index(full, `"payload":"`) + len(`"payload":"`)
	forged := full[:from] + payload + full[from+strings.IndexByte(full[from:], '"'):]
	signature := strings.Index(full, `"sig":"`) + len(`"sig":"`)
	broken := strings.ReplaceAll(full, full[signature:signature+8], "AAAAAAAA")
	return []oracleCase{
		{string(text), id, full, "full", true},
		{string(text), id, attest(none), "without parameters and packages", true},
		{string(text), id, attest(many), "300 packages", true},
		{string(text), id, attest(attestFacts(), PayloadInput, PayloadEnvironment, PayloadNames), "much withheld", true},
		{string(otherText), otherID, full, "another key", false},
		{string(text), id, forged, "another statement", false},
		{string(text), id, broken, "another signature", false},
		{string(text), id, strings.Replace(full, "in-toto", "in-tota", 1), "another type", false},
	}
}

func mustStatement(t *testing.T, envelope string) []byte {
	t.Helper()
	a, err := ParseAttestation([]byte(envelope))
	if err != nil {
		t.Fatal(err)
	}
	return a.Statement.Encode()
}

// ours is what VerifyAttestation says of a case.
func (c oracleCase) ours(t *testing.T) bool {
	t.Helper()
	seed := byte(1)
	if c.name == "another key" {
		seed = 2
	}
	_, v, _, _ := attestKey(t, attestLog, seed)
	return VerifyAttestation([]byte(c.Envelope), &VerifyOptions{Keys: []note.Verifier{v}}).OK
}

func runOracle(t *testing.T, cmd *exec.Cmd, cases []oracleCase, answers any) {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if err := json.Unmarshal(out, answers); err != nil {
		t.Fatal(err)
	}
}

// go-securesystemslib verifies the envelope, in-toto's own types the statement.
func TestAttestationGoVerifier(t *testing.T) {
	t.Parallel()
	cases := oracleCases(t)
	var answers []struct{ Known, Reckoned, Anonymous, Statement, Subject, Builder, Run string }
	runOracle(t, exec.Command(testenv.Program(t, "dsseverify")), cases, &answers)
	for i, c := range cases {
		a := answers[i]
		for way, why := range map[string]string{"known id": a.Known, "its own id": a.Reckoned, "no id": a.Anonymous} {
			if (why == "") != c.good {
				t.Errorf("%s, %s: %q", c.name, way, why)
			}
		}
		if c.ours(t) != c.good {
			t.Errorf("%s: assay says otherwise", c.name)
		}
		if a.Statement != "" {
			t.Errorf("%s: statement: %s", c.name, a.Statement)
		}
		if want := strings.TrimPrefix(DigestBytes(attestNotebook).String(), "sha256:"); a.Subject != want || a.Run != "20261121T170000Z-1" || a.Builder != "urn:assay:log:assay.example%2F1f2e" {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}

const verifyWithPython = `
import sys, json, hashlib
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
answers = []
for case in json.load(sys.stdin):
    a = {"verified": "", "statement": ""}
    key = SSlibKey.from_crypto(load_pem_public_key(case["pem"].encode()))
    a["keyid"] = key.keyid
    envelope = Envelope.from_dict(json.loads(case["envelope"]))
    try: envelope.verify([key], 1)
    except Exception as e: a["verified"] = repr(e)
    try:
        pb = json_format.Parse(envelope.payload, statement_pb2.Statement())
        Statement.copy_from_pb(pb).validate()
        raw = json.loads(envelope.payload)
        p = json_format.ParseDict(raw["predicate"], provenance_pb2.Provenance())
        assert pb.predicate_type == "https://slsa.dev/provenance/v1" and p.build_definition.build_type
        leaf = p.run_details.byproducts[0]
        assert hashlib.sha256(leaf.content).hexdigest() == leaf.digest["sha256"]
        for d in raw["predicate"]["buildDefinition"]["resolvedDependencies"]:
            if d["mediaType"].startswith("application/vnd.assay"):
                text = json.dumps(d["annotations"]["environment"], separators=(",", ":"), ensure_ascii=False)
                assert hashlib.sha256(text.encode()).hexdigest() == d["digest"]["sha256"]
        a["subject"] = pb.subject[0].digest["sha256"]
        a["parameters"] = [q["name"] for q in p.build_definition.external_parameters["parameters"]]
    except Exception as e: a["statement"] = repr(e)
    answers.append(a)
print(json.dumps(answers))
`

// Python's securesystemslib verifies the envelope, in-toto-attestation the statement.
func TestAttestationPythonVerifier(t *testing.T) {
	t.Parallel()
	cases := oracleCases(t)
	var answers []struct {
		KeyID, Verified, Statement, Subject string
		Parameters                          []string
	}
	runOracle(t, exec.Command(testenv.Python(t, "proof"), "-c", verifyWithPython), cases, &answers)
	for i, c := range cases {
		a := answers[i]
		if (a.Verified == "") != c.good {
			t.Errorf("%s: %q", c.name, a.Verified)
		}
		if a.KeyID != c.KeyID {
			t.Errorf("%s: key id %s, ours %s", c.name, a.KeyID, c.KeyID)
		}
		if a.Statement != "" || a.Subject != strings.TrimPrefix(DigestBytes(attestNotebook).String(), "sha256:") {
			t.Errorf("%s: statement %q, subject %s", c.name, a.Statement, a.Subject)
		}
	}
	if diff := cmp.Diff([]string{"alpha", "who", "big", "token"}, answers[0].Parameters); diff != "" {
		t.Error(diff)
	}
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
