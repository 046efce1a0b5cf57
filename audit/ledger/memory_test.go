package ledger_test

import (
	"testing"

	"assay/audit/ledger"
	"assay/audit/ledger/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(*testing.T) ledger.Store { return new(ledger.Memory) })
}
