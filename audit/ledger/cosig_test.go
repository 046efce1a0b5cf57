package ledger_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// cosignatureVKey makes a witness's verifier key of a log's (C2SP
// tlog-cosignature: algorithm 4 in place of 1, and so another key hash).
func cosignatureVKey(t *testing.T, vkey string) string {
	t.Helper()
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	raw[0] = 4
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	return fmt.Sprintf("%s+%08x+%s", parts[0], binary.BigEndian.Uint32(sum[:]), base64.StdEncoding.EncodeToString(raw))
}
