package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/audit/ledger"
	"assay/events"
	"assay/internal/testenv"
	"assay/observer"
	observertest "assay/observer/storetest"
	"assay/store"
)

// childEnv tells this program that it is a process of a test: role, address, name.
const childEnv = "ASSAY_STORE_TEST"

func TestMain(m *testing.M) {
	observertest.Child(func(ctx context.Context, url string) (observer.Nonces, error) { return store.Open(ctx, url, nil) })
	if what := os.Getenv(childEnv); what != "" {
		role, rest, _ := strings.Cut(what, " ")
		name, url, _ := strings.Cut(rest, " ")
		if err := child(role, name, url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is one process. Each line that it writes says what a call has returned for.
func child(role, name, url string) error {
	ctx := context.Background()
	if place := os.Getenv(placeEnv); place != "" {
		return blobChild(ctx, role, name, url, place)
	}
	s, err := store.Open(ctx, url, nil)
	if err != nil {
		return err
	}
	if err := s.SetOrigin(ctx, "", origin); err != nil {
		return err
	}
	for i := 0; role == "forever" || i < 1; i++ {
		it := ended(fmt.Sprintf("%s-%d", name, i))
		index, err := s.Append(ctx, []ledger.Item{it})
		if err != nil {
			return err
		}
		fmt.Printf("%s %d\n", it.ID, index[0])
		if role == "forever" && i%5 == 4 {
			if _, err := s.Erase(ctx, act("erase-"+it.ID, it.ID, "names"), it.ID, []string{"names"}); err != nil && !errors.Is(err, store.ErrTraces) {
				return err
			}
			fmt.Printf("erase-%s\n", it.ID)
		}
	}
	return s.Close()
}

// start starts a process; its lines come on the channel, which ends when it does.
func start(t testing.TB, role, name, url string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+role+" "+name+" "+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil { // a line without an end was never said
				_, _ = io.Copy(io.Discard, out)
				return
			}
			lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, lines
}

// Many processes find no database, or an empty one, at the same moment: each
// of them gets one with all tables, and none of their entries is lost.
func TestFaultManyStart(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		const n = 12
		var all sync.WaitGroup
		for i := range n {
			cmd, lines := start(t, "once", fmt.Sprintf("p%d", i), url)
			all.Go(func() {
				said := 0
				for range lines {
					said++
				}
				if err := cmd.Wait(); err != nil || said != 1 {
					t.Errorf("process %d: %d entries, %v", i, said, err)
				}
			})
		}
		all.Wait()
		r := checkOK(t, open(t, url, nil))
		if r.Entries != n || r.Runs != n {
			t.Errorf("%+v", r)
		}
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "many processes make the same database, "+t.Name()[len("TestFaultManyStart/"):], n, max(0, n-r.Entries), max(0, r.Entries-n), len(r.Findings), "")
	})
}

// Two processes append and erase; both are killed (kill -9) at a random moment,
// again and again. What was answered is there, once, and everything agrees.
func TestFaultKilled(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		rounds := 12
		if strings.HasPrefix(url, "postgres") {
			rounds = 4 // each erasure there writes tables anew
		}
		if testing.Short() {
			rounds = 2
		}
		var said []string
		for round := range rounds {
			var all sync.WaitGroup
			var mu sync.Mutex
			for p := range 2 {
				cmd, lines := start(t, "forever", fmt.Sprintf("k%d-%d", round, p), url)
				after := 1 + rand.IntN(40)
				wait := time.Duration(rand.IntN(5_000)) * time.Microsecond
				all.Go(func() {
					for line := range lines {
						mu.Lock()
						said = append(said, line)
						mu.Unlock()
						if after--; after == 0 {
							time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
						}
					}
					if cmd.Wait() == nil {
						t.Error("the process that was killed ended well")
					}
				})
			}
			all.Wait()
		}
		s := open(t, url, nil)
		lost, doubled := acknowledged(t, s, said)
		must(t, s.Scrub(t.Context())) // what a kill between erasing and scrubbing left to do
		r := checkOK(t, s)
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "kill -9 of two processes that append and erase, "+t.Name()[len("TestFaultKilled/"):], 2*rounds, lost, doubled, len(r.Findings),
			fmt.Sprintf("%d entries answered, %d there", len(said), r.Entries))
	})
}

// acknowledged finds everything that was answered, where it was answered to be.
func acknowledged(t *testing.T, s *store.Store, said []string) (lost, doubled int) {
	t.Helper()
	seen := map[int64]string{}
	for _, line := range said {
		var id string
		index := int64(-1)
		if n, _ := fmt.Sscanf(line, "%s %d", &id, &index); n < 1 {
			t.Fatalf("a process said %q", line)
		}
		e, err := s.Find(t.Context(), id)
		if err != nil || index >= 0 && e.Index != index {
			lost++
			t.Errorf("%s was answered with %d and is %d, %v", id, index, e.Index, err)
		}
		if other, twice := seen[e.Index]; twice {
			doubled++
			t.Errorf("%s and %s are both %d", id, other, e.Index)
		}
		seen[e.Index] = id
	}
	return lost, doubled
}

// The observer's numbers among processes, of which one is killed.
func TestFaultNonces(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		must(t, open(t, url, nil).Burn(t.Context(), 99))
		each := 5
		if testing.Short() {
			each = 1
		}
		observertest.Processes(t, url, 3, each)
	})
}

// PostgreSQL is stopped in order, and killed, while processes append: they hear
// of it, try again, and nothing is lost or doubled.
func TestFaultPostgresRestarted(t *testing.T) {
	t.Parallel()
	server := testenv.NewPostgres(t)
	url := server.Database(t)
	s := open(t, url, nil)
	must(t, s.SetOrigin(t.Context(), "", origin))
	const writers, each = 4, 15
	var begun, done, failures atomic.Int64
	progress := make(chan struct{}, 1)
	over := make(chan struct{})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				begun.Add(1)
				it := ended(fmt.Sprintf("w%d-%d", w, i))
				for late := time.Now().Add(3 * time.Minute); ; {
					_, err := s.Append(t.Context(), []ledger.Item{it})
					if err == nil {
						done.Add(1)
					} else {
						failures.Add(1)
					}
					select {
					case progress <- struct{}{}:
					default:
					}
					if err == nil {
						break
					}
					if !strings.Contains(err.Error(), "PostgreSQL") && !strings.Contains(err.Error(), "conn") {
						t.Errorf("not clear: %v", err)
					}
					if time.Now().After(late) {
						t.Errorf("%s: %v", it.ID, err)
						return
					}
					<-time.After(50 * time.Millisecond) // as a client waits before it tries again
				}
			}
		})
	}
	more := func(what string, n *atomic.Int64, by int64) {
		t.Helper()
		late := time.After(3 * time.Minute)
		for from := n.Load(); n.Load() < from+by; {
			select {
			case <-progress:
			case <-late:
				t.Fatalf("no %d more %s", by, what)
			}
		}
	}
	for _, end := range []func(testing.TB){server.Stop, server.Kill} {
		more("appends", &done, writers*each)
		end(t)
		more("failures", &failures, 1) // somebody was told
		server.Start(t)
	}
	more("appends", &done, writers*each)
	close(over)
	all.Wait()
	r := checkOK(t, s)
	want := begun.Load()
	if r.Entries != want || r.Events != want*5 || done.Load() != want {
		t.Errorf("%+v, and %d appends were answered of %d", r, done.Load(), want)
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "PostgreSQL stopped, then killed, and started again", 2, max(0, done.Load()-r.Entries), max(0, r.Entries-want), 0,
		fmt.Sprintf("%d calls failed and were made again, of %d", failures.Load(), want))
}

// An older copy of the database is put in its place: it is whole in itself, and
// shorter than what was signed, which is how a ledger notices.
func TestFaultOlderCopy(t *testing.T) {
	engines(t, func(t *testing.T, empty database) {
		url := empty(t)
		full(t, url)
		s := open(t, url, nil)
		backup := t.TempDir() + "/older.db"
		must(t, s.Backup(t.Context(), backup))
		size, err := s.Size(t.Context())
		must(t, err)
		appendAll(t, s, ended("later"))
		again := empty(t)
		must(t, store.Restore(t.Context(), backup, again, nil))
		old := open(t, again, nil)
		r := checkOK(t, old)
		have, err := old.Size(t.Context())
		if err != nil || have != size {
			t.Errorf("%d, %v, want %d", have, err, size)
		}
		if err := store.Restore(t.Context(), backup, again, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("restored over a store: %v", err)
		}
		if err := s.Backup(t.Context(), backup); err == nil {
			t.Error("backed up over a file")
		}
		same(t, old, open(t, "sqlite:"+backup, &store.Options{ReadOnly: true}))
		t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "older copy restored, "+t.Name()[len("TestFaultOlderCopy/"):], 1, size-have, 0, len(r.Findings), "whole, and as short as it was: for a ledger to notice")
	})
}

// same compares what two stores give.
func same(t *testing.T, a, b *store.Store) {
	t.Helper()
	ctx := t.Context()
	x, err := a.Events().Query(ctx, nil, 0, 1000)
	must(t, err)
	y, err := b.Events().Query(ctx, nil, 0, 1000)
	must(t, err)
	if len(x) != len(y) {
		t.Fatalf("%d events and %d", len(x), len(y))
	}
	for i := range x {
		if d, e := digestOf(t, x[i]), digestOf(t, y[i]); d != e || x[i].Seq != y[i].Seq {
			t.Errorf("event %d differs", x[i].Seq)
		}
	}
	p, err := a.Payloads(ctx, "run012")
	must(t, err)
	q, err := b.Payloads(ctx, "run012")
	must(t, err)
	if len(p) == 0 || fmt.Sprint(p) != fmt.Sprint(q) {
		t.Errorf("payloads %v and %v", p, q)
	}
}

func digestOf(t *testing.T, e events.Event) [32]byte {
	t.Helper()
	d, err := e.Digest()
	must(t, err)
	return d
}
