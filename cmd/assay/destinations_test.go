package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/events"
	"assay/observer"
)

// hookKey is what a secret of standardwebhooks.com stands for.
var hookKey = []byte("0123456789abcdefghijklmn")

// receiver is a webhook's receiver that answers with a status and keeps what came.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	types    []string // of the events
	unsigned int      // requests whose signature is not hookKey's
}

func newReceiver(t *testing.T, status int) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var es []struct{ Type string }
		if err != nil || json.Unmarshal(body, &es) != nil {
			t.Errorf("%s: %v", body, err)
		}
		mac := hmac.New(sha256.New, hookKey)
		mac.Write([]byte(req.Header.Get("webhook-id") + "." + req.Header.Get("webhook-timestamp") + "." + string(body)))
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			r.unsigned++
		}
		for _, e := range es {
			r.types = append(r.types, e.Type)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) took() ([]string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.types), r.unsigned
}

// configuredHome is a user with that configuration; %HOME% in it is the user's folder.
func configuredHome(t *testing.T, text string) (home string, env []string) {
	t.Helper()
	home = t.TempDir()
	writeConfig(t, home, text)
	return home, []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_STATE_HOME=" + filepath.Join(home, "state"), "CI="}
}

func writeConfig(t *testing.T, home, text string) {
	t.Helper()
	dir := filepath.Join(home, "config", "assay")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(strings.ReplaceAll(text, "%HOME%", home)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// endOf awaits the end of an assay process: its exit code and what it wrote.
func endOf(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := startAssayWith(t, env, args...)
	out, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	return p.code(t), string(out), p.stderr.String()
}

// A destination whose secret is not there stops no run, and gets later what
// happened meanwhile.
func TestObserverNotOpen(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t, http.StatusOK)
	_, env := configuredHome(t, "destinations:\n  - {name: hook, type: webhook, url: "+hook.URL+", secret: \"@env:HOOK_SECRET\"}\n"+
		"  - {name: clouds, type: cloudevents, url: "+hook.URL+", secret: \"@env:NO_BASE64\", types: [harness.run.completed]}\n"+
		"  - {name: lines, type: file, path: \"%HOME%/lines\"}\n")
	env = append(env, "NO_BASE64=whsec_!")
	code, _, stderr := endOf(t, env, "run", notebook(t, "print(1)"), filepath.Join(t.TempDir(), "out.ipynb"))
	if code != exitOK || strings.Count(stderr, `"hook"`) != 1 || !strings.Contains(stderr, "@env:HOOK_SECRET names nothing") || !strings.Contains(stderr, "docs/config.md") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, `"clouds"`) || !strings.Contains(stderr, "not base64") {
		t.Errorf("the other secret: %s", stderr)
	}
	if code, _, stderr = endOf(t, env, "log", "keys"); code != exitOK || strings.Count(stderr, `"hook"`) != 1 {
		t.Errorf("log keys: exit code %d: %s", code, stderr)
	}
	// The end of a run delivers for two seconds, which a loaded machine may need for less than this.
	code, stdout, _ := endOf(t, env, "observer", "flush", "--for", "2m")
	if code != exitSurroundings || !strings.Contains(stdout, "not open") {
		t.Errorf("flush: exit code %d: %s", code, stdout)
	}
	code, stdout, stderr = endOf(t, env, "observer", "status")
	if code != exitSurroundings || !strings.Contains(stderr, "@env:HOOK_SECRET") {
		t.Errorf("status: exit code %d: %s", code, stderr)
	}
	for _, line := range []string{"hook      webhook, 0 delivered, 8 behind, 0 failures, not open", "clouds    cloudevents, 0 delivered, 1 behind, 0 failures, not open", "lines     file, 8 delivered, 0 behind, 0 failures"} {
		if !strings.Contains(stdout, line+"\n") {
			t.Errorf("no %q in\n%s", line, stdout)
		}
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString(hookKey)
	if code, stdout, stderr = endOf(t, append(env, "HOOK_SECRET="+secret, "NO_BASE64="+secret), "observer", "flush", "--for", "2m"); code != exitOK {
		t.Errorf("mended: exit code %d: %s%s", code, stdout, stderr)
	}
	types, unsigned := hook.took()
	if len(types) != 9 || !slices.Contains(types, events.TypeRunQueued) || unsigned != 0 {
		t.Errorf("came %v, %d not signed", types, unsigned)
	}
}

// What is wrong in the configuration itself is wrong use where only the
// configuration is read, and a warning to everything else.
func TestObserverWrongUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ destination, says string }{
		{`{name: a, type: webhook, url: "http://localhost", secret: topsecret}`, "never the secret itself"},
		{`{name: a, type: webhok, url: "http://localhost"}`, "webhook, cloudevents"},
		{`{name: a, type: file, path: x}, {name: a, type: file, path: y}`, "another destination has that name"},
		{`{type: file, path: x}`, "no name"},
		{`{name: a, type: file}`, "path"},
		{`{name: a, type: webhook}`, "url"},
		{`{name: a, type: observer, url: "http://localhost"}`, "key"},
		{`{name: a, type: file, path: x, types: [harness.run.complete]}`, `"harness.run.completed" meant`},
		{`{name: a, type: file, path: x, types: [""]}`, "harness.run.queued, "},
		{`{name: a, type: openlineage, path: x, types: [harness.cell.completed]}`, "ever goes there"},
		{`{name: a, type: observer, url: "http://localhost", secret: "@env:A", types: [harness.run.failed]}`, "takes no types"},
	} {
		_, env := configuredHome(t, "destinations: ["+c.destination+"]\n")
		code, _, stderr := endOf(t, env, "observer", "status")
		if code != exitUsage || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "topsecret") {
			t.Errorf("%s: exit code %d: %s", c.destination, code, stderr)
		}
		code, _, stderr = endOf(t, env, "log", "keys")
		if code != exitOK || !strings.Contains(stderr, "warning: ") || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "topsecret") {
			t.Errorf("%s: log keys: exit code %d: %s", c.destination, code, stderr)
		}
	}
	_, env := configuredHome(t, "observer: {clock: sundial}\n")
	if code, _, stderr := endOf(t, env, "log", "keys"); code != exitUsage || !strings.Contains(stderr, "sundial") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// A destination may name every type that the bus documents, and no other.
func TestObserverEventTypes(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "events", "event.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "Type") {
			return true
		}
		name, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		documented = append(documented, name)
		return true
	})
	if diff := cmp.Diff(documented, eventTypes); diff != "" {
		t.Error(diff)
	}
}

// A chain keeps its clock: a run says that the configuration names another one, status refuses it.
func TestObserverClock(t *testing.T) {
	t.Parallel()
	home, env := configuredHome(t, "observer: {clock: "+string(observer.ClockNS)+"}\n")
	in := notebook(t, "print(1)")
	run := func() string {
		_, _, stderr := endOf(t, env, "run", in, filepath.Join(t.TempDir(), "out.ipynb"), "-k", "nosuchkernel")
		return stderr
	}
	if stderr := run(); strings.Contains(stderr, "warning") {
		t.Error(stderr)
	}
	writeConfig(t, home, "observer: {clock: "+string(observer.ClockMS)+"}\n")
	if stderr := run(); !strings.Contains(stderr, "warning: clock differs") || !strings.Contains(stderr, string(observer.ClockNS)) {
		t.Error(stderr)
	}
	if code, _, stderr := endOf(t, env, "observer", "status"); code != exitUsage || !strings.Contains(stderr, "clock differs") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	writeConfig(t, home, "observer: {}\n")
	if code, stdout, stderr := endOf(t, env, "observer", "status"); code != exitOK || !strings.Contains(stdout, "("+string(observer.ClockNS)+"), 2 rows") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}
