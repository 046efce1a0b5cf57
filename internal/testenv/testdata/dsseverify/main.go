// Dsseverify verifies in-toto attestations with the libraries of
// go-securesystemslib and in-toto: a second opinion for the tests of package
// audit. It reads a JSON array of cases from stdin and writes one of answers.
package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
	"google.golang.org/protobuf/encoding/protojson"
)

type testCase struct {
	PEM      string `json:"pem"`
	KeyID    string `json:"keyid"`
	Envelope string `json:"envelope"`
}

type answer struct {
	Known     string `json:"known"`     // why not, for a verifier that knows the key's id
	Reckoned  string `json:"reckoned"`  // for one that reckons an id of its own
	Anonymous string `json:"anonymous"` // for one whose keys have no ids, as cosign's
	Statement string `json:"statement"` // why the statement or its predicate is not valid
	Subject   string `json:"subject"`
	Builder   string `json:"builder"`
	Run       string `json:"run"`
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := make([]answer, len(cases))
	for i, c := range cases {
		answers[i] = check(c)
	}
	_ = json.NewEncoder(os.Stdout).Encode(answers)
}

func check(c testCase) (a answer) {
	var e dsse.Envelope
	if err := json.Unmarshal([]byte(c.Envelope), &e); err != nil {
		why := err.Error()
		return answer{Known: why, Reckoned: why, Anonymous: why, Statement: why}
	}
	key, err := signerverifier.LoadKey([]byte(c.PEM))
	if err != nil {
		why := err.Error()
		return answer{Known: why, Reckoned: why, Anonymous: why, Statement: why}
	}
	a.Reckoned = verify(&e, key)
	key.KeyID = c.KeyID
	a.Known = verify(&e, key)
	public, _ := hex.DecodeString(key.KeyVal.Public)
	a.Anonymous = because(verifyWith(&e, anonymous(public)))
	if err := a.statement(&e); err != nil {
		a.Statement = err.Error()
	}
	return a
}

func verify(e *dsse.Envelope, key *signerverifier.SSLibKey) string {
	v, err := signerverifier.NewED25519SignerVerifierFromSSLibKey(key)
	if err != nil {
		return err.Error()
	}
	return because(verifyWith(e, v))
}

func because(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func verifyWith(e *dsse.Envelope, v dsse.Verifier) error {
	ev, err := dsse.NewEnvelopeVerifier(v)
	if err != nil {
		return err
	}
	_, err = ev.Verify(context.Background(), e)
	return err
}

// anonymous is a verifier without a key id.
type anonymous ed25519.PublicKey

func (k anonymous) KeyID() (string, error)   { return "", nil }
func (k anonymous) Public() crypto.PublicKey { return ed25519.PublicKey(k) }
func (k anonymous) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(ed25519.PublicKey(k), data, sig) {
		return errors.New("the signature does not verify")
	}
	return nil
}

func (a *answer) statement(e *dsse.Envelope) error {
	payload, err := e.DecodeB64Payload()
	if err != nil {
		return err
	}
	var s intoto.Statement
	if err := protojson.Unmarshal(payload, &s); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	predicate, err := protojson.Marshal(s.GetPredicate())
	if err != nil {
		return err
	}
	var p provenance.Provenance
	if err := protojson.Unmarshal(predicate, &p); err != nil {
		return err
	}
	a.Subject = s.GetSubject()[0].GetDigest()["sha256"]
	a.Builder = p.GetRunDetails().GetBuilder().GetId()
	a.Run = p.GetRunDetails().GetMetadata().GetInvocationId()
	return p.Validate()
}
