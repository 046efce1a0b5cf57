package store_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/testenv"
	"assay/store"
)

// The disk runs full in the middle of appends: the call says so, nothing of it
// stays, and when there is room again the same call goes through.
func TestFaultDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		testenv.Missing(t, "a small file system, which cannot be mounted here: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 1<<20), 0o600))
	s, err := store.Open(context.WithoutCancel(t.Context()), "sqlite:"+filepath.Join(dir, "assay.db"), nil)
	must(t, err)
	defer s.Close()
	must(t, s.SetOrigin(t.Context(), "", origin))
	kept, refused := int64(0), 0
	for full := 0; full < 20; {
		b := make([]byte, 10_000)
		_, _ = rand.Read(b)
		data, _ := json.Marshal(b)
		e := audit.Entry{Kind: audit.KindKey, ID: fmt.Sprintf("e%d", kept), Log: origin, Subject: "none"}
		p := []audit.Payload{{Name: "big", Salt: salt(), Data: data}}
		e.Facts = audit.FactsDigest(audit.Commitments(p))
		it := ledger.Item{ID: e.ID, Leaf: e.Encode(), Commitments: audit.Commitments(p), Payloads: p}
		index, err := s.Append(t.Context(), []ledger.Item{it})
		switch {
		case err == nil && index[0] != kept:
			t.Fatalf("index %d, want %d", index[0], kept)
		case err == nil && refused > 0 && full < 10:
			t.Fatal("the disk is full, and an entry was kept")
		case err == nil:
			kept++
		case !errors.Is(err, syscall.ENOSPC):
			t.Fatalf("not said to be full: %v", err)
		default:
			refused++
		}
		if refused > 0 {
			full++
		}
		if full == 10 {
			must(t, os.Remove(ballast))
			if have, err := s.Size(t.Context()); err != nil || have != kept {
				t.Fatalf("%d entries while it is full, %v, want %d", have, err, kept)
			}
		}
	}
	r := checkOK(t, s)
	if r.Entries != kept || refused < 5 {
		t.Errorf("%d entries, want %d; %d refused", r.Entries, kept, refused)
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "disk full under SQLite", refused, max(0, kept-r.Entries), max(0, r.Entries-kept), len(r.Findings), fmt.Sprintf("%d entries kept", kept))
}
