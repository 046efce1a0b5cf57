package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/events"
	"assay/internal/observerstub"
	"assay/internal/testenv"
	"assay/observer"
)

// stubProcess is assay observer stub as a process of its own.
type stubProcess struct {
	*process
	url, key string
}

func startStub(t *testing.T, args ...string) *stubProcess {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "key")
	s := &stubProcess{process: startAssay(t, append([]string{"observer", "stub", "--key-file", keyFile}, args...)...)}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.url = strings.TrimSpace(s.await(t, "http://"))
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
	s.key = strings.TrimSpace(string(key))
	return s
}

// state asks the stub as a reader of the contract does.
func (s *stubProcess) state(t *testing.T) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/chain/assay/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var state map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	return state
}

// observedHome is a user whose runs go to an observer at url.
func observedHome(t *testing.T, url, key, more string) []string {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "config", "assay")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "destinations:\n  - name: watch\n    type: observer\n    url: " + url + "\n    secret: \"@env:OBSERVER_KEY\"\n" + more
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_STATE_HOME=" + filepath.Join(home, "state"), "OBSERVER_KEY=" + key, "CI="}
}

// A run's row reaches a real process of the stand-in endpoint, each row once,
// though a third of the requests go wrong; a failed run leaves one too.
func TestObserver(t *testing.T) {
	testenv.Prefix(t, "main")
	for name, more := range map[string]string{"plain": "", "phase-locked": "    phase_lock: true\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			observeRuns(t, more)
		})
	}
}

func observeRuns(t *testing.T, more string) {
	stub := startStub(t, "--fault", "error=0.2,lost=0.2", "--seed", "3")
	env := observedHome(t, stub.url, stub.key, more)
	good, bad := notebook(t, "print(1)"), notebook(t, "1/0")
	for _, nb := range []string{good, bad, good} {
		p := startAssayWith(t, env, "run", nb, filepath.Join(t.TempDir(), "out.ipynb"), "--no-receipt")
		if code := p.code(t); (code == exitOK) != (nb == good) {
			t.Fatalf("exit code %d: %s", code, p.stderr.String())
		}
	}
	for tries := 0; ; tries++ {
		if code := startAssayWith(t, env, "observer", "flush").code(t); code == exitOK {
			break
		} else if tries == 5 {
			t.Fatalf("flush: exit code %d", code)
		}
	}
	var types []string
	for range 3 {
		var row struct {
			Type    string `json:"transitionType"`
			Sealed  bool   `json:"sealed"`
			Payload struct {
				Number int    `json:"n"`
				Task   string `json:"task"`
			}
		}
		line := stub.await(t, "stage-complete")
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Payload.Number != len(types)+1 || row.Payload.Task == "" || row.Sealed != (more != "") {
			t.Errorf("row %s", line)
		}
		types = append(types, row.Type)
	}
	if state := stub.state(t); state["rows"] != 3.0 || len(state["incidents"].([]any)) != 0 {
		t.Errorf("%v", state)
	}
	status := startAssayWith(t, env, "observer", "status", "--json")
	var shape map[string]any
	if err := json.Unmarshal([]byte(status.await(t, "outbox_depth")), &shape); err != nil {
		t.Fatal(err)
	}
	if code := status.code(t); code != exitOK || shape["outbox_depth"] != 0.0 || shape["destination"] != "watch" || shape["delivered"] != 3.0 || shape["session"] == "" {
		t.Errorf("exit code %d: %v", code, shape)
	}
	for _, field := range []string{"phase", "last_zeqond", "agent"} {
		if _, ok := shape[field]; !ok {
			t.Errorf("no %s in %v", field, shape)
		}
	}
	stub.signal(t, syscall.SIGINT)
	if code := stub.code(t); code != exitOK || !strings.Contains(stub.stderr.String(), "3 rows") {
		t.Errorf("exit code %d: %s", code, stub.stderr.String())
	}
}

// An endpoint that is not there costs a run at most its two seconds, and nothing is lost.
func TestObserverAway(t *testing.T) {
	t.Parallel()
	testenv.Prefix(t, "main")
	stub := startStub(t)
	env := observedHome(t, "http://127.0.0.1:9", stub.key, "")
	p := startAssayWith(t, env, "run", notebook(t, "print(1)"), filepath.Join(t.TempDir(), "out.ipynb"))
	if code := p.code(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	p = startAssayWith(t, env, "observer", "flush", "--for", "1s")
	if code := p.code(t); code != exitSurroundings || !strings.Contains(p.stderr.String(), "nothing is lost") {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
	p = startAssayWith(t, env, "observer", "status")
	if line := p.await(t, "waiting"); !strings.Contains(line, "1 row") {
		t.Error(line)
	}
	p.code(t)
	// The address is set right.
	config := filepath.Join(strings.TrimPrefix(env[1], "XDG_CONFIG_HOME="), "assay", "config.yaml")
	b, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, []byte(strings.Replace(string(b), "http://127.0.0.1:9", stub.url, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p = startAssayWith(t, env, "observer", "flush", "--for", "2m")
	if code := p.code(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if state := stub.state(t); state["rows"] != 1.0 {
		t.Errorf("%v", state)
	}
}

func TestObserverMistakes(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"on this machine alone": {"observer", "stub", "--listen", "0.0.0.0:0"},
		"use only a-z":          {"observer", "stub", "--slug", "A"},
		"NAME=SHARE":            {"observer", "stub", "--fault", "nothing=1"},
		"a time above 0":        {"observer", "flush", "--for", "0s"},
		"unknown command":       {"observer", "watch"},
	} {
		p := startAssay(t, args...)
		if code := p.code(t); code != exitUsage || !strings.Contains(p.stderr.String(), says) {
			t.Errorf("%v: exit code %d: %s", args, code, p.stderr.String())
		}
	}
}

// A run that lasts says so every 8 zeqonds.
func TestObserverHeartbeat(t *testing.T) {
	testenv.Prefix(t, "main")
	t.Parallel()
	stub := startStub(t)
	env := observedHome(t, stub.url, stub.key, "")
	heard := filepath.Join(t.TempDir(), "heard")
	in := notebook(t, fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.05)", heard))
	p := startAssayWith(t, env, "run", in, filepath.Join(t.TempDir(), "out.ipynb"), "--no-receipt")
	beat := stub.await(t, `"heartbeat"`)
	if err := os.WriteFile(heard, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(beat, `"outbox_depth":0`) || !strings.Contains(beat, `"hf8":0`) {
		t.Errorf("heartbeat %s", beat)
	}
	if code := p.code(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if p := startAssayWith(t, env, "observer", "flush", "--for", "2m"); p.code(t) != exitOK { // where the run's own two seconds were too few
		t.Fatalf("flush: %s", p.stderr.String())
	}
	row := stub.await(t, `"stage-complete"`)
	session := func(line string) string {
		var r struct{ Payload struct{ Session string } }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		return r.Payload.Session
	}
	if session(beat) == "" || session(beat) != session(row) {
		t.Errorf("sessions %q and %q", session(beat), session(row))
	}
}

// What the heartbeat finds out is in the rows that are made after it.
func TestObserverCadence(t *testing.T) {
	t.Parallel()
	beats := make(chan observerstub.Row, 10)
	stub := httptest.NewServer(observerstub.New(&observerstub.Options{Slug: observer.DefaultSlug, Key: "zsm_live_0", Took: func(r observerstub.Row) { beats <- r }}))
	t.Cleanup(stub.Close)
	w, err := observer.NewWire(new(observer.Memory), &observer.WireOptions{URL: stub.URL, Key: "zsm_live_0"})
	if err != nil {
		t.Fatal(err)
	}
	cadence := cadenceOf([]events.Destination{w})
	row := func() observer.Row {
		c := observer.Candidate{At: time.Now(), Beat: cadence}
		r, _ := observer.Link(observer.Genesis(c), c, nil)
		return r
	}
	if r := row(); r.HF.HF8 != nil {
		t.Errorf("before the first heartbeat: %v", *r.HF.HF8)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.Heartbeats(ctx, nil, func(err error) { t.Error(err) }); close(ended) }()
	select {
	case <-beats:
	case <-time.After(3 * time.Minute):
		t.Error("no heartbeat")
	}
	stop()
	<-ended
	found := w.Cadence() // how regular that is, is the machine's
	if r := row(); r.HF.HF8 == nil || math.Abs(*r.HF.HF8-min(found.Drift, 1)) > 1e-6 || r.HF.SkewMS == nil || *r.HF.SkewMS != found.SkewMS {
		t.Errorf("after it: %+v, and the heartbeat found %+v", r.HF, found)
	}
}
