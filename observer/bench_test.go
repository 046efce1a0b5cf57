package observer_test

import (
	"fmt"
	"testing"

	"assay/observer"
)

// BenchmarkLink is what a row costs inside the transaction that appends a run,
// behind a full window of earlier rows.
func BenchmarkLink(b *testing.B) {
	c := candidate(at(1_777_000_000_123), "a")
	head := observer.Genesis(c)
	var recent []observer.Past
	for i := range observer.Window {
		recent = append(recent, observer.Past{Zeqond: head.Zeqond - int64(3*(observer.Window-i)), Type: fmt.Sprint(i % 3)})
	}
	b.ReportAllocs()
	for b.Loop() {
		r, _ := observer.Link(head, c, recent)
		if _, err := r.Event(); err != nil {
			b.Fatal(err)
		}
	}
}
