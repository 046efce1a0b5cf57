package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"assay/audit/ledger"
	"assay/audit/ledger/storetest"
)

// fill appends n runs by transactions of 10,000.
func fill(tb testing.TB, l *ledger.Ledger, n int) {
	tb.Helper()
	for from := 0; from < n; from += 10_000 {
		var items []ledger.Item
		for i := from; i < min(n, from+10_000); i++ {
			items = append(items, storetest.Small(l.Origin(), fmt.Sprintf("run-%08d", i)))
		}
		if _, err := l.Append(tb.Context(), items...); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkMillion measures what one asks of a log of 1,000,000 entries:
// reading and checking all of it, and one receipt. What a verification
// allocates in all is more than it ever holds.
func BenchmarkMillion(b *testing.B) {
	o := &ledger.Options{Key: ledger.KeySource{File: b.TempDir() + "/key"}}
	l, err := ledger.Open(b.Context(), new(ledger.Memory), o)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	fill(b, l, 1_000_000)
	b.Logf("appended in %v", time.Since(start))
	if _, err := l.Checkpoint(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := l.Verify(b.Context(), nil)
			if err != nil || !v.OK {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("receipt", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := l.Receipt(b.Context(), fmt.Sprintf("run-%08d", i*7919%1_000_000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("checkpoint", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := l.Append(b.Context(), storetest.Small(l.Origin(), fmt.Sprint("more", i))); err != nil {
				b.Fatal(err)
			}
			if _, err := l.Checkpoint(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
