package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"
	"assay/nbformat"
)

// startError starts a kernel that cannot be had.
func startError(t *testing.T, o *Options) *StartError {
	t.Helper()
	k, err := Start(t.Context(), o)
	if err == nil {
		_ = k.Close(context.Background())
		t.Fatal("a kernel was started")
	}
	var e *StartError
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q shows too much", err)
	}
	if e.Hint == "" {
		t.Errorf("error %q has no hint", err)
	}
	return e
}

func expect(t *testing.T, e error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(e.Error(), p) {
			t.Errorf("error %q does not say %q", e, p)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                      "no gateway URL",
		"localhost:8888":        "http://",
		"ftp://x":               "http://",
		"http://":               "no host",
		"http://x:%zz?token=se": "cannot be read",
	} {
		expect(t, startError(t, &Options{URL: url}), want)
	}
	down := &gatewayProcess{url: "http://" + testenv.Address(t)}
	expect(t, startError(t, options(down)), down.url, "refuses connections", "running")
	e := startError(t, &Options{URL: "http://no-such-host.invalid/?token=secret", StartTimeout: patience})
	expect(t, e, "no-such-host.invalid")
}

// answering is a server that is none of ours.
func answering(t *testing.T, handler http.HandlerFunc) *Options {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return &Options{URL: s.URL, Token: token, Kernel: "python3", StartTimeout: patience}
}

func TestOtherServers(t *testing.T) {
	t.Parallel()
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<!DOCTYPE html><html><body>secret</body></html>"))
		}
	}
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	var leaked string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { leaked = r.Header.Get("Authorization") }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    []string
	}{
		"a web page":        {page(200), []string{"web page", "base path"}},
		"a missing page":    {page(404), []string{"404", "base path"}},
		"a proxy":           {page(503), []string{"503", "not running"}},
		"a stopped hub":     {text(424, `{"message":"JupyterHub server no longer running at /user/x","traceback":"secret"}`), []string{"424", "no longer running"}},
		"other JSON":        {text(200, `{"hello":1}`), []string{"not as a kernel gateway"}},
		"a list":            {text(200, `[1]`), []string{"not the JSON"}},
		"words":             {text(200, "hello"), []string{"not the JSON"}},
		"an error of words": {text(500, "\x1b[31mboom"), []string{"500"}},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/login?next=secret", http.StatusFound)
		}, []string{"redirected to " + elsewhere.URL + "/login", "login page"}},
		"silence": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"did not answer in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := answering(t, c.handler)
			if name == "silence" {
				o.StartTimeout = 300 * time.Millisecond
			}
			expect(t, startError(t, o), append(c.want, o.URL)...)
		})
	}
	if leaked != "" {
		t.Error("the token went along with a redirect")
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kernelgateway", "jupyterserver", "enterprise"} {
		o := options(real(t, name))
		o.Token = "wrong"
		expect(t, startError(t, o), "token", o.URL)
		o.Token = ""
		expect(t, startError(t, o), "asks for a token and none was given")
		if _, err := Kernelspecs(t.Context(), o); err == nil {
			t.Errorf("%s: kernelspecs without a token", name)
		}
	}
}

func TestTokenInAddress(t *testing.T) {
	t.Parallel()
	o := options(real(t, "kernelgateway"))
	o.URL, o.Token = o.URL+"/?token="+token, ""
	specs, err := Kernelspecs(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(specs, func(s Spec) bool { return s.Name == "python3" })
	if i < 0 || !specs[i].Default || specs[i].Language != "python" || specs[i].DisplayName == "" || specs[i].InterruptMode != "signal" {
		t.Errorf("%+v", specs)
	}
}

func TestUnknownKernel(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kernelgateway", "jupyterserver", "enterprise"} {
		o := options(real(t, name))
		o.Kernel = "no-such-kernel"
		expect(t, startError(t, o), `"no-such-kernel"`, "python3")
	}
}

func TestForcedKernelAndLimit(t *testing.T) {
	t.Parallel()
	p := own(t, "kernelgateway", "--KernelGatewayApp.force_kernel_name=xpython", "--KernelGatewayApp.max_kernels=1", "--JupyterWebsocketPersonality.list_kernels=True")
	o := options(p)
	o.Kernel = "python3"
	expect(t, startError(t, o), `"xpython"`, `"python3"`, "KG_FORCE_KERNEL_NAME")
	if n := len(kernels(t, p)); n != 0 {
		t.Errorf("%d kernels are left", n)
	}
	o.Kernel = "xpython"
	k := startKernel(t, o)
	if i := k.Info(); i.Counted || i.Language != "python" || i.Session == "" {
		t.Errorf("%+v", i)
	}
	e := startError(t, o)
	expect(t, e, "Resource Limit", "as many kernels as it may")
	if strings.Contains(e.Error(), "token") {
		t.Errorf("%q blames the token", e)
	}
}

// kernels lists what runs on a server that lets itself be asked.
func kernels(t *testing.T, p *gatewayProcess) []model {
	t.Helper()
	c, err := newClient(options(p))
	if err != nil {
		t.Fatal(err)
	}
	var all []model
	if err := c.do(t.Context(), http.MethodGet, nil, &all, ok, "api", "kernels"); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStartAbandoned(t *testing.T) {
	t.Parallel()
	p := real(t, "jupyterserver")
	ctx, cancel := context.WithCancel(t.Context())
	c, err := newClient(options(p))
	if err != nil {
		t.Fatal(err)
	}
	// The request reaches the server, its answer does not reach us.
	cut := &cutAnswer{RoundTripper: c.http.Transport, cancel: cancel}
	c.http.Transport = cut
	if _, _, err := c.begin(ctx, options(p)); err == nil {
		t.Fatal("started")
	}
	if !kernelID.MatchString(cut.id) {
		t.Fatalf("id %q", cut.id)
	}
	// A server that is slow to end it goes on after the client has stopped waiting.
	var status *statusError
	for end := time.Now().Add(patience); status == nil; <-time.After(50 * time.Millisecond) {
		if _, err := c.kernel(t.Context(), cut.id); !errors.As(err, &status) && time.Now().After(end) {
			t.Fatalf("the kernel is left behind: %v", err)
		}
	}
	if status.Status != http.StatusNotFound {
		t.Errorf("the kernel is left behind: %v", status)
	}
}

type cutAnswer struct {
	http.RoundTripper
	cancel context.CancelFunc
	id     string // of the kernel that was started
}

func (c *cutAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(r)
	if r.Method == http.MethodPost && err == nil {
		defer res.Body.Close()
		var m model
		err = cmp.Or(json.NewDecoder(res.Body).Decode(&m), context.Canceled)
		c.id = m.ID
		c.cancel()
		return nil, err
	}
	return res, err
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	o := options(real(t, "kernelgateway"))
	o.Env = map[string]string{"KERNEL_SOMETHING": "a b", "MY_VARIABLE": "é", "NOT_LISTED": "x"}
	k := startKernel(t, o)
	const code = "import os; print([os.environ.get(n) for n in ('KERNEL_SOMETHING', 'MY_VARIABLE', 'NOT_LISTED', 'HOME')])"
	if r := run(t, k, code); r.stdout != "['a b', 'é', None, None]\n" {
		t.Errorf("%q %v", r.stdout, r.err)
	}
}

// A Jupyter Server gives a kernel no variables, so it is not asked to: labels
// for a gateway are left out, anything else is refused before a kernel starts.
func TestEnvironmentOfJupyterServer(t *testing.T) {
	t.Parallel()
	o := options(own(t, "jupyterserver"))
	o.Env = map[string]string{"KERNEL_USERNAME": "tester", "MY_VARIABLE": "s3cr3t", "A_VARIABLE": ""}
	_, err := Start(t.Context(), o)
	var refusal *StartError
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, "A_VARIABLE, MY_VARIABLE would not arrive") ||
		strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "KERNEL_") || refusal.Hint == "" {
		t.Errorf("%v", err)
	}
	c, err := newClient(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.http.CloseIdleConnections()
	var kernels []model
	if err := c.do(t.Context(), http.MethodGet, nil, &kernels, ok, "api", "kernels"); err != nil || len(kernels) != 0 {
		t.Errorf("%d kernels were started, %v", len(kernels), err)
	}
	o.Env = map[string]string{"KERNEL_USERNAME": "tester"}
	k := startKernel(t, o)
	if r := run(t, k, "import os; print(os.environ.get('KERNEL_USERNAME'))"); r.stdout != "None\n" {
		t.Errorf("%q %v: a Jupyter Server passes variables on now", r.stdout, r.err)
	}
}

// A secret is handed over in code, not in the environment: it arrives where
// variables do not, and stands in no output.
func TestSecretOnJupyterServer(t *testing.T) {
	t.Parallel()
	k := startKernel(t, options(real(t, "jupyterserver")))
	cells := []executor.Cell{{Type: "code", Before: "key = 's3cr3t-value'", Source: "print(len(key), key)\nkey"}}
	s := outputs{}
	res := executor.Run(t.Context(), k, cells, &executor.Options{Secrets: []executor.Secret{{Name: "key", Value: "s3cr3t-value"}}}, &s)
	if res.State != executor.RunSucceeded || !strings.Contains(s.all, "12 [secret key]") || strings.Contains(s.all, "s3cr3t-value") {
		t.Errorf("%+v\n%s", res, s.all)
	}
}

// outputs is a Sink that keeps what cells put out.
type outputs struct{ all string }

func (s *outputs) CellStarted(int, time.Time) {}

func (s *outputs) Stream(_ int, _, text string) { s.all += text }

func (s *outputs) CellEnded(r executor.CellResult) { s.OutputsChanged(r.Index, r.Outputs) }

func (s *outputs) OutputsChanged(_ int, outputs []nbformat.Output) {
	for _, o := range outputs {
		s.all += o.Text + string(o.Data)
	}
}

func TestCloseEndsTheKernel(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kernelgateway", "jupyterserver", "enterprise"} {
		o := options(real(t, name))
		o.Env = map[string]string{"KERNEL_USERNAME": "tester"}
		k := startKernel(t, o)
		if _, err := k.client.kernel(t.Context(), k.id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var status *statusError
		k.client.http = &http.Client{}
		if _, err := k.client.kernel(t.Context(), k.id); !errors.As(err, &status) || status.Status != 404 {
			t.Errorf("%s: after Close: %v", name, err)
		}
	}
}
