package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"assay/events"
	"assay/events/webhook"
	"assay/store"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("ASSAY_TEST_PUBLISHER"); path != "" {
		if err := publisher(path, os.Getenv("ASSAY_TEST_URL"), os.Getenv("ASSAY_TEST_NAME")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// publisher is a process that publishes until it is killed, and says on its
// standard output which events were acknowledged.
func publisher(path, url, name string) error {
	s, err := store.Open(context.Background(), "sqlite:"+path, nil)
	if err != nil {
		return err
	}
	b, err := openShared(context.Background(), s.Events(), url)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		es := []events.Event{
			{ID: fmt.Sprintf("%s-%05d-a", name, i), Type: events.TypeCellStarted},
			{ID: fmt.Sprintf("%s-%05d-b", name, i), Type: events.TypeCellCompleted},
		}
		if _, err := b.Publish(context.Background(), es...); err != nil {
			return err
		}
		fmt.Println(es[0].ID + "\n" + es[1].ID)
	}
}

func openShared(ctx context.Context, s *store.Events, url string) (*events.Bus, error) {
	hook, err := webhook.New("hook", url, nil)
	if err != nil {
		return nil, err
	}
	return events.Open(ctx, s, s, []events.Destination{hook}, &events.Options{Lease: 200 * time.Millisecond, Poll: 20 * time.Millisecond, BackoffMin: time.Millisecond, Backlog: true})
}

func eventIDs(body []byte) (out []string, err error) {
	var all []json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	for _, raw := range all {
		e, err := events.Parse(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, e.ID)
	}
	return out, nil
}

// Three processes share an outbox and are killed at any moment, again and
// again. No acknowledged event is lost, the order is the store's, and what
// comes twice is no more than what was on its way when somebody was killed.
func TestFaultKillMidDelivery(t *testing.T) {
	t.Parallel()
	const kills = 24
	far := &flaky{random: rand.New(rand.NewPCG(1, 1)), seen: map[string]int{}}
	far.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			far.take(body)
		}
	}))
	t.Cleanup(far.Close)
	path := filepath.Join(t.TempDir(), "events.db")
	openStore(t, path)

	var acknowledged []string
	for round := range kills / 3 {
		var running []*exec.Cmd
		var said []string
		for p := range 3 {
			out := filepath.Join(t.TempDir(), "said")
			said = append(said, out)
			file, err := os.Create(out)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "ASSAY_TEST_PUBLISHER="+path, "ASSAY_TEST_URL="+far.URL, fmt.Sprintf("ASSAY_TEST_NAME=r%02d-p%d", round, p))
			cmd.Stdout, cmd.Stderr = file, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
			running = append(running, cmd)
		}
		// A publisher is killed at any moment, but not before there is something to lose.
		waitForNews(t, far, func() (n int) {
			for _, out := range said {
				n += len(lines(t, out))
			}
			return n
		})
		for _, cmd := range running { // one after the other, so that the others take over
			pause(t, time.Duration(rand.IntN(60))*time.Millisecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("a publisher ended by itself: %v", err)
			}
		}
		for _, out := range said {
			acknowledged = append(acknowledged, lines(t, out)...)
		}
	}

	s := openStore(t, path).Events()
	b, err := openShared(t.Context(), s, far.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var stored []string
	for e, err := range b.Stream(t.Context(), nil, 0) {
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, e.ID)
	}
	lost, disordered, again := far.check(stored)
	for _, id := range acknowledged {
		if far.seen[id] == 0 {
			lost++
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	if lost+disordered > 0 || far.err != nil || len(far.order) != len(stored) || !slices.Equal(far.order, stored) {
		t.Errorf("of %d events %d were lost, %d came out of order; %d came that are not stored: %v", len(stored), lost, disordered, len(far.order)-len(stored), far.err)
	}
	if again > kills*events.MaxBatch {
		t.Errorf("%d events came again after %d kills", again, kills)
	}
	if len(acknowledged) < kills {
		t.Errorf("only %d events were acknowledged", len(acknowledged))
	}
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "kill -9 mid-delivery, three processes with one outbox", kills, lost, 0, disordered,
		fmt.Sprintf("%d events; %d were sent again and known by their id", len(stored), again))
}

// waitForNews waits until the far end hears of something more, and four events
// of this round are acknowledged: more than publishers are killed.
func waitForNews(t *testing.T, far *flaky, acknowledged func() int) {
	t.Helper()
	count := func() int { far.mu.Lock(); defer far.mu.Unlock(); return len(far.order) }
	before := count()
	deadline := time.Now().Add(3 * time.Minute)
	for count() == before || acknowledged() < 4 {
		if time.Now().After(deadline) {
			t.Fatal("nothing is delivered")
		}
		pause(t, 5*time.Millisecond)
	}
}

// pause lets the processes run: the moment of a kill is chosen at random.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.Canceled) {
		t.Fatal("the test was ended")
	}
}

func lines(t *testing.T, path string) (out []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := 0
	for i, c := range b { // a last line without its end was not said
		if c == '\n' {
			out = append(out, string(b[start:i]))
			start = i + 1
		}
	}
	return out
}
