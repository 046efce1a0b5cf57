package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/tlog"
)

func TestReceipt(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	for i := range 300 {
		id := fmt.Sprintf("run-%d", i)
		enter(t, l, id)
		if i%37 != 0 {
			continue
		}
		r, err := l.Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Payloads) != len(r.Commitments)-1 || slices.ContainsFunc(r.Payloads, func(p audit.Payload) bool { return p.Name == audit.SecretsPayload }) {
			t.Errorf("payloads %v of %v", r.Payloads, r.Commitments)
		}
		if r.Index != int64(i) || r.Ephemeral || !slices.Equal(r.Keys, []string{l.VKey()}) {
			t.Errorf("receipt %+v", r)
		}
		if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Errorf("receipt of %s: %+v", id, v.Problems)
		}
		if v := audit.Verify(r.Encode(), nil); v.OK {
			t.Error("a receipt verifies with no key given")
		}
	}
	if _, err := l.Receipt(t.Context(), "nobody"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("receipt of no entry: %v", err)
	}
	wantVerified(t, l)
}

// A receipt for an entry that was signed before needs no new signature.
func TestReceiptTakesTheLastCheckpoint(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	c := checkpoint(t, l)
	enter(t, l, "c")
	for id, same := range map[string]bool{"a": true, "b": true} {
		r, err := l.Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if (r.Checkpoint == string(c.Note)) != same {
			t.Errorf("receipt of %s is under another checkpoint", id)
		}
	}
	r, err := l.Receipt(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := s.Checkpoint(t.Context()); c.Size != 3 || string(c.Note) != r.Checkpoint {
		t.Errorf("the checkpoint for c is of %d", c.Size)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	l := newHome(t).open(t, new(ledger.Memory))
	other := storetest.Run("another.log", "run")
	renamed := storetest.Run(l.Origin(), "run")
	renamed.ID = "else"
	changed := storetest.Run(l.Origin(), "run")
	changed.Payloads[1].Data = []byte("{}")
	swapped := storetest.Run(l.Origin(), "run")
	slices.Reverse(swapped.Payloads)
	key := audit.Entry{Kind: audit.KindKey, ID: "run", Log: l.Origin()}
	for name, it := range map[string]ledger.Item{
		"another log's":         other,
		"another id":            renamed,
		"a changed payload":     changed,
		"payloads out of order": swapped,
		"an act":                {ID: "run", Leaf: key.Encode()},
		"no entry":              {ID: "run", Leaf: []byte("run")},
		"no id":                 {Leaf: other.Leaf},
	} {
		if _, err := l.Append(t.Context(), storetest.Run(l.Origin(), "good"), it); err == nil {
			t.Errorf("%s was appended", name)
		}
	}
	if c := checkpoint(t, l); c.Size != 0 {
		t.Errorf("%d entries were appended", c.Size)
	}
}

// Many callers share transactions, and one whose item the store refuses does
// not take the others with it.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	s := &gate{Store: new(ledger.Memory), open: make(chan struct{})}
	l := newHome(t).open(t, s)
	first := make(chan error)
	go func() { _, err := l.Append(t.Context(), storetest.Run(l.Origin(), "first")); first <- err }()
	s.waitFor(1)
	const callers = 50
	var wg sync.WaitGroup
	var started sync.WaitGroup
	indexes := make([]int64, callers)
	errs := make([]error, callers)
	for i := range callers {
		started.Add(1)
		wg.Go(func() {
			it := storetest.Run(l.Origin(), fmt.Sprintf("run-%d", i))
			if i == 20 {
				it.With = struct{}{} // which a log in memory refuses
			}
			started.Done()
			var got []int64
			if got, errs[i] = l.Append(t.Context(), it); errs[i] == nil {
				indexes[i] = got[0]
			}
		})
	}
	started.Wait()
	close(s.open)
	wg.Wait()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{0: true}
	for i, err := range errs {
		if (err != nil) != (i == 20) {
			t.Errorf("call %d: %v", i, err)
		}
		if err == nil && seen[indexes[i]] {
			t.Errorf("index %d was told twice", indexes[i])
		}
		seen[indexes[i]] = true
	}
	if c := checkpoint(t, l); c.Size != callers {
		t.Errorf("%d entries, want %d", c.Size, callers)
	}
	wantVerified(t, l)
}

func TestErase(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	before, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	index, err := l.Erase(t.Context(), ledger.Erasure{ID: "a", Names: []string{"names"}, By: "ada", Reason: "she asked for it"})
	if err != nil || index != 2 {
		t.Fatal(index, err)
	}
	st, err := s.Entry(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	act, err := audit.ParseEntry(st.Leaf)
	if err != nil || act.Kind != audit.KindErased || act.Subject != "a" || !slices.Equal(act.Names, []string{"names"}) {
		t.Errorf("the act is %+v, %v", act, err)
	}
	if strings.Contains(string(st.Leaf), "ada") {
		t.Error("a leaf, which stays for ever, names a person")
	}
	ps, _ := s.Payloads(t.Context(), st.ID)
	if len(ps) != 1 || string(ps[0].Data) != `{"version":1,"by":"ada","reason":"she asked for it"}` {
		t.Errorf("the act's payloads: %+v", ps)
	}
	after, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Payloads) != len(before.Payloads)-1 || after.Entry != before.Entry || !slices.Equal(after.Commitments, before.Commitments) {
		t.Errorf("the receipt after it: %+v", after)
	}
	for _, r := range []*audit.Receipt{before, after} {
		if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Errorf("%+v", v.Problems)
		}
	}
	_, err = l.Erase(t.Context(), ledger.Erasure{ID: "a", Names: []string{"names"}})
	wantIs(t, err, ledger.ErrErased)
	_, err = l.Erase(t.Context(), ledger.Erasure{ID: "a", Names: []string{"nonsense"}})
	wantIs(t, err, ledger.ErrNotFound)
	_, err = l.Erase(t.Context(), ledger.Erasure{ID: "nobody"})
	wantIs(t, err, ledger.ErrNotFound)
	if _, err = l.Erase(t.Context(), ledger.Erasure{ID: st.ID}); err == nil {
		t.Error("an act's reason was erased as if it were a run's")
	}
	if _, err := l.Erase(t.Context(), ledger.Erasure{ID: "b"}); err != nil {
		t.Fatal(err)
	}
	if ps, _ := s.Payloads(t.Context(), "b"); len(ps) != 0 {
		t.Errorf("%d payloads are left of all", len(ps))
	}
	wantVerified(t, l)
}

func TestProofs(t *testing.T) {
	t.Parallel()
	l := newHome(t).open(t, new(ledger.Memory))
	enterMany(t, l, "run", 40)
	checkpoint(t, l)
	for from := int64(1); from <= 40; from++ {
		for to := from; to <= 40; to++ {
			proof, older, newer, err := l.ProveConsistency(t.Context(), from, to)
			if err == nil {
				err = tlog.CheckTree(proof, to, newer, from, older)
			}
			if err != nil {
				t.Fatalf("%d to %d: %v", from, to, err)
			}
		}
	}
	enter(t, l, "unsigned")
	for _, r := range [][2]int64{{0, 3}, {4, 3}, {1, 41}} {
		_, _, _, err := l.ProveConsistency(t.Context(), r[0], r[1])
		wantIs(t, err, ledger.ErrBadRange)
	}
	text, err := l.Proof(t.Context(), "run000007")
	if err != nil || !strings.HasPrefix(string(text), "c2sp.org/tlog-proof@v1\nextra ") || !strings.Contains(string(text), "\nindex 7\n") {
		t.Errorf("%s\n%v", text, err)
	}
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	o := h.options()
	o.Ephemeral = true
	l, err := ledger.Open(t.Context(), new(ledger.Memory), o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, l, "run")
	r, err := l.Receipt(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	if !r.Ephemeral || !strings.HasPrefix(r.Log, "assay.local/ephemeral/") || !strings.HasPrefix(r.Checkpoint, "assay.local/ephemeral/") {
		t.Errorf("nothing signed says that the key is ephemeral: %s", r.Encode())
	}
	if text, _ := os.ReadFile(h.trusted()); !strings.Contains(string(text), "ephemeral") {
		t.Errorf("trusted keys: %s", text)
	}
}

// A lasting log stays one wherever it is opened.
func TestEphemeralIsTheLogsOwn(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	h.open(t, s)
	o := h.options()
	o.Ephemeral = true
	if l, err := ledger.Open(t.Context(), s, o); err != nil || l.Ephemeral() {
		t.Errorf("a lasting log is called ephemeral: %v", err)
	}
	o = newHome(t).options()
	o.Ephemeral, o.Origin = true, "log.example/ci"
	if l, err := ledger.Open(t.Context(), new(ledger.Memory), o); err != nil || !l.Ephemeral() {
		t.Errorf("a log with a given name is not called ephemeral: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	o := h.options()
	o.ReadOnly = true
	_, err := ledger.Open(t.Context(), s, o)
	wantIs(t, err, ledger.ErrNotFound)
	l := h.open(t, s)
	enter(t, l, "a", "b")
	checkpoint(t, l)
	enter(t, l, "c")
	if err := os.Remove(h.key()); err != nil {
		t.Fatal(err)
	}
	ro, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if c := checkpoint(t, ro); c.Size != 2 {
		t.Errorf("the checkpoint is of %d", c.Size)
	}
	if v := wantVerified(t, ro); !slices.ContainsFunc(v.NotProved, func(s string) bool { return strings.Contains(s, "last 1 entries were not signed") }) {
		t.Errorf("%q", v.NotProved)
	}
	if _, err := ro.Receipt(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	_, err = ro.Receipt(t.Context(), "c")
	wantIs(t, err, ledger.ErrReadOnly)
	_, err = ro.Append(t.Context(), storetest.Run(ro.Origin(), "d"))
	wantIs(t, err, ledger.ErrReadOnly)
	_, err = ro.Erase(t.Context(), ledger.Erasure{ID: "a"})
	wantIs(t, err, ledger.ErrReadOnly)
	wantIs(t, ro.Rotate(t.Context(), nil), ledger.ErrReadOnly)
	if _, err := os.Stat(h.key()); err == nil {
		t.Error("a key was made")
	}
}
