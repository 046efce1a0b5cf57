package ledger_test

import (
	"strings"
	"testing"

	"assay/audit/ledger"
)

// A name that no key can have is refused before the store has it for good.
func TestOriginIsChecked(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"my log", "a+b", "a\nb", "a\x01b", "a\x7f", "\xff", "a\u00a0b", strings.Repeat("x", 513), " "} {
		h, s := newHome(t), new(ledger.Memory)
		o := h.options()
		o.Origin = origin
		if _, err := ledger.Open(t.Context(), s, o); err == nil {
			t.Errorf("%.20q: opened", origin)
		}
		if got, err := s.Origin(t.Context()); got != "" || err != nil {
			t.Errorf("%.20q: the store has the name %.20q, %v", origin, got, err)
		}
		o.Origin = "log.example/zoë"
		l, err := ledger.Open(t.Context(), s, o)
		if err != nil {
			t.Fatalf("after %.20q: %v", origin, err)
		}
		enter(t, l, "a")
		checkpoint(t, l)
		wantVerified(t, l)
		old := copyLog(t, s, 0)
		o.Origin = origin
		if _, err := ledger.NewLog(t.Context(), old, o, "", ""); err == nil {
			t.Errorf("%.20q: a new log of this name", origin)
		}
		if got, _ := old.Origin(t.Context()); got != "log.example/zoë" {
			t.Errorf("%.20q: renamed to %.20q", origin, got)
		}
	}
	longest := strings.Repeat("x", 512)
	h, s := newHome(t), new(ledger.Memory)
	o := h.options()
	o.Origin = longest
	l, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "a")
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantVerified(t, l)
}
