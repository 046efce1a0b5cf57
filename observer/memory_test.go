package observer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"testing"

	"assay/observer"
	"assay/observer/storetest"
)

func TestMain(m *testing.M) {
	storetest.Child(func(_ context.Context, arg string) (observer.Nonces, error) {
		// The pool of connections is as large as the crowd: or each reserve costs a port.
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		return served{url: arg, client: &http.Client{Transport: transport}}, nil
	})
	os.Exit(m.Run())
}

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(testing.TB) storetest.Opened {
		var m observer.Memory
		return storetest.Opened{
			Store:  &m,
			Append: func(ctx context.Context, c observer.Candidate) error { _, err := m.Append(ctx, c); return err },
			Again:  func(testing.TB) observer.Store { return &m },
		}
	})
}

// 64 goroutines reserve 100,000 zeqonds.
func TestMemoryCrowd(t *testing.T) {
	t.Parallel()
	var m observer.Memory
	storetest.Contend(t, []observer.Nonces{&m}, 64, 1563)
}

// Four processes share one Memory, which the test serves to them: 64 goroutines
// in each, one of the processes killed on the way.
func TestMemoryProcesses(t *testing.T) {
	t.Parallel()
	var m observer.Memory
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		epoch, err1 := strconv.Atoi(r.FormValue("epoch"))
		now, err2 := strconv.ParseInt(r.FormValue("now"), 10, 64)
		z, err3 := m.Reserve(r.Context(), epoch, r.FormValue("slug"), now)
		if err := errors.Join(err1, err2, err3); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, z)
	}))
	t.Cleanup(server.Close)
	storetest.Processes(t, server.URL, 4, 20)
}

// served is the Memory of another process.
type served struct {
	url    string
	client *http.Client
	observer.Nonces
}

func (s served) Reserve(_ context.Context, epoch int, slug string, now int64) (int64, error) {
	resp, err := s.client.PostForm(s.url, url.Values{"epoch": {strconv.Itoa(epoch)}, "slug": {slug}, "now": {strconv.FormatInt(now, 10)}})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%d %s %w", resp.StatusCode, b, err)
	}
	return strconv.ParseInt(string(b), 10, 64)
}
