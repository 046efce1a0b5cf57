package ledger_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/internal/testenv"

	"golang.org/x/mod/sumdb/note"
)

// witnessKey makes a witness's key: the text that its program reads, and the
// verifier of its cosignatures (algorithm 4 in place of 1).
func witnessKey(t *testing.T, name string) (skey string, v note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	v, err = audit.NewCosignatureVerifier(cosignatureVKey(t, vkey))
	if err != nil {
		t.Fatal(err)
	}
	return skey, v
}

// startWitness runs the real witness, which knows the logs by their keys.
func startWitness(t *testing.T, skey string, logs ...*ledger.Ledger) string {
	t.Helper()
	program := testenv.Program(t, "omniwitness")
	dir := t.TempDir()
	var yaml strings.Builder
	yaml.WriteString("Logs:\n")
	for _, l := range logs {
		fmt.Fprintf(&yaml, "  - Origin: %s\n    URL: https://log.invalid/\n    PublicKey: %s\n    Feeder: none\n", l.Origin(), l.VKey())
	}
	for name, text := range map[string]string{"key": skey, "logs.yaml": yaml.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := testenv.Address(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--listen", addr, "--metrics_listen", "", "--private_key_path", filepath.Join(dir, "key"),
		"--db_file", filepath.Join(dir, "witness.db"), "--additional_logs", filepath.Join(dir, "logs.yaml"), "-v", "1", "--logtostderr")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		var all strings.Builder
		r := bufio.NewScanner(stderr)
		for r.Scan() {
			fmt.Fprintln(&all, r.Text())
		}
		said <- all.String()
	}()
	t.Cleanup(func() {
		cancel()
		text := <-said
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the witness said:\n%s", text)
		}
	})
	late := time.After(time.Minute)
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-tick:
		case <-ended:
			t.Fatal("the witness ended")
		case <-late:
			t.Fatalf("nobody listens on %s", addr)
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return "http://" + addr
		}
	}
}

// The real witness cosigns our log as it grows; what it cosigned verifies in
// receipts; and a log that was put back and grew anew it refuses.
func TestWitness(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	skey, key := witnessKey(t, "witness.example/one")
	url := startWitness(t, skey, l)
	o := h.options()
	o.Witnesses = []ledger.Witness{{URL: url, Key: key}}
	l, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	for round, n := range []int{1, 2, 300, 1} {
		enterMany(t, l, fmt.Sprintf("r%d-", round), n)
		signed, err := l.Cosign(t.Context())
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, n, err := audit.OpenCheckpoint(signed.Note, append(h.believed(t), key)...); err != nil || len(n.Sigs) != 2 {
			t.Fatalf("round %d: %v\n%s", round, err, signed.Note)
		}
		if again, err := l.Cosign(t.Context()); err != nil || string(again.Note) != string(signed.Note) {
			t.Errorf("cosigned again: %v\n%s", err, again.Note)
		}
	}
	r, err := l.Receipt(t.Context(), "r2-000123")
	if err != nil {
		t.Fatal(err)
	}
	if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: h.believed(t), Witnesses: []note.Verifier{key}, Quorum: 1}); !v.OK {
		t.Errorf("%+v", v.Problems)
	}
	if got := readFile(t, h.last()); string(got) != r.Checkpoint {
		t.Errorf("the second copy has no cosignature: %s", got)
	}
	// Who opens the log next finds the cosigned note.
	wantVerified(t, h.open(t, s))

	// Somebody puts the database back, and the second copy with it.
	forked := copyLog(t, s, 3)
	o.LastNote = filepath.Join(t.TempDir(), "last")
	f, err := ledger.Open(t.Context(), forked, o)
	if err != nil {
		t.Fatal(err)
	}
	enterMany(t, f, "other", 1) // it is older than what the witness saw
	_, err = f.Cosign(t.Context())
	wantIs(t, err, ledger.ErrRolledBack)
	enterMany(t, f, "others", 400) // and now newer
	_, err = f.Cosign(t.Context())
	wantIs(t, err, ledger.ErrRolledBack)
	var we *ledger.WitnessError
	if !errors.As(err, &we) || we.Witness != key.Name() {
		t.Errorf("%v", err)
	}
	// A witness that does not know the log.
	other := newHome(t)
	oo := other.options()
	oo.Witnesses = o.Witnesses
	ol, err := ledger.Open(t.Context(), new(ledger.Memory), oo)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, ol, "a")
	// The specification says 404; this one says 500 where its database has no such log.
	if signed, err := ol.Cosign(t.Context()); !errors.As(err, &we) || strings.Contains(string(signed.Note), key.Name()) {
		t.Errorf("%v\n%s", err, signed.Note)
	}
}

// A witness that is out of order neither hinders the checkpoint nor gets
// anything of its answer into it.
func TestWitnessOutOfOrder(t *testing.T) {
	t.Parallel()
	_, key := witnessKey(t, "witness.example/one")
	strange, _ := witnessKey(t, "witness.example/strange")
	signer, err := note.NewSigner(strange)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]http.HandlerFunc{
		"garbage":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\x00\xff garbage") },
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"without end": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"no size":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(409); fmt.Fprint(w, "-3\n") },
		"a larger size":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(409); fmt.Fprint(w, "99\n") },
		"always a size":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(409); fmt.Fprint(w, "1\n") },
		"another's keys": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, sigLines(t, signer, r)) },
		"unknown log":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		"another key":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
		"no proof":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(422) },
		"busy":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"a cut answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, "— ")
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(answer)
			defer srv.Close()
			o := newHome(t).options()
			o.Witnesses = []ledger.Witness{{URL: srv.URL, Key: key}}
			l, err := ledger.Open(t.Context(), new(ledger.Memory), o)
			if err != nil {
				t.Fatal(err)
			}
			enter(t, l, "a", "b")
			want := checkpoint(t, l)
			got, err := l.Cosign(t.Context())
			var we *ledger.WitnessError
			if !errors.As(err, &we) {
				t.Errorf("error %v", err)
			}
			if string(got.Note) != string(want.Note) {
				t.Errorf("the note is\n%s", got.Note)
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}))
		defer srv.Close()
		o := newHome(t).options()
		o.Witnesses = []ledger.Witness{{URL: srv.URL, Key: key}}
		asked := make(chan struct{}, 1)
		o.HTTP = &http.Client{Transport: telling{asked}}
		l, err := ledger.Open(t.Context(), new(ledger.Memory), o)
		if err != nil {
			t.Fatal(err)
		}
		enter(t, l, "a")
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		_, err = l.Cosign(ctx)
		wantIs(t, err, context.Canceled)
	})
}

// telling says when a request is sent.
type telling struct{ asked chan struct{} }

func (c telling) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked <- struct{}{}
	return http.DefaultTransport.RoundTrip(r)
}

// sigLines signs the checkpoint in a request as a log would, not a witness.
func sigLines(t *testing.T, s note.Signer, r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	_, msg, _ := strings.Cut(string(body), "\n\n")
	text, _, _ := strings.Cut(msg, "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, s)
	if err != nil {
		t.Error(err)
	}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	return lines
}
