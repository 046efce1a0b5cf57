package audit

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"assay/internal/testenv"
)

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

// The code in docs/attest.md, as it stands there, with a log's key as assay prints it.
func TestAttestationDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "attest.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(doc), "```python\n")
	code, _, ok := strings.Cut(code, "```")
	if !ok {
		t.Fatal("docs/attest.md has no code")
	}
	file := filepath.Join(t.TempDir(), "out.ipynb.intoto.jsonl")
	if err := os.WriteFile(file, attestBytes(t, attestFacts()), 0o644); err != nil {
		t.Fatal(err)
	}
	vkey, _, _, _ := attestKey(t, attestLog, 1)
	other, _, _, _ := attestKey(t, attestLog, 2)
	code += `
import sys
print(verified(sys.argv[1], sys.argv[2])["subject"][0]["digest"]["sha256"])
try: verified(sys.argv[1], sys.argv[3])
except Exception: print("refused")
`
	out, err := exec.Command(testenv.Python(t, "proof"), "-c", code, file, vkey, other).CombinedOutput()
	if want := strings.TrimPrefix(DigestBytes(attestNotebook).String(), "sha256:") + "\nrefused\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}
