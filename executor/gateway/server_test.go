package gateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// TestIdentify asks the real servers, and Python what is installed.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind Kind
		pkg  string // whose version is told
		said string // before the version
	}{
		"kernelgateway": {KernelGateway, "jupyter_server", "Kernel Gateway on Jupyter Server "},
		"jupyterserver": {JupyterServer, "jupyter_server", "Jupyter Server "},
		"enterprise":    {EnterpriseGateway, "jupyter_enterprise_gateway", "Enterprise Gateway "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(real(t, name))
			out, err := exec.Command(testenv.Python(t, servers[name].env), "-c",
				"import importlib.metadata as m; print(m.version('"+c.pkg+"'), end='')").Output()
			if err != nil {
				t.Fatal(err)
			}
			s, err := Identify(t.Context(), o)
			if err != nil || s != (Server{c.kind, string(out)}) || s.String() != c.said+string(out) {
				t.Errorf("%+v, %q, %v; want %s %s", s, s, err, c.kind, out)
			}
			o.Token = "wrong"
			s, err = Identify(t.Context(), o)
			if c.kind == JupyterServer { // tells it to everybody
				if err != nil || s.Kind != JupyterServer {
					t.Errorf("without a right: %v, %v", s, err)
				}
				return
			}
			var refusal *StartError
			if !errors.As(err, &refusal) || refusal.Status != http.StatusUnauthorized {
				t.Errorf("without a right: %v", err)
			}
		})
	}
}

// TestIdentifyAnswers has answers that the servers here do not give.
func TestIdentifyAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, api string
		status    int // of /api/status
		want      string
		ids       bool
	}{
		{"Kernel Gateway 2 on notebook", `{"version": "6.5.7"}`, 404, "Kernel Gateway on notebook 6.5.7", false},
		{"Kernel Gateway 3", `{"version": "2.20.0"}`, 404, "Kernel Gateway on Jupyter Server 2.20.0", false},
		{"Kernel Gateway 3, newer", `{"version": "2.21.0"}`, 404, "Kernel Gateway on Jupyter Server 2.21.0", true},
		{"Jupyter Server to a stranger", `{"version": "2.7.3"}`, 403, "Jupyter Server 2.7.3", false},
		{"Jupyter Server of tomorrow", `{"version": "3.0.0.dev0"}`, 200, "Jupyter Server 3.0.0.dev0", true},
		{"Enterprise Gateway", `{"version": "1.24.0", "gateway_version": "3.3.0"}`, 404, "Enterprise Gateway 3.3.0", true},
		{"what no version looks like", `{"version": "\u001b[2Jx"}`, 200, "Jupyter Server [2Jx", false},
		{"another server", `{"name": "x"}`, 404, "not as a kernel gateway", false},
		{"a broken one", `{"version": "2.7.3"}`, 500, "500", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api" {
					_, _ = w.Write([]byte(c.api))
					return
				}
				w.WriteHeader(c.status)
			}))
			defer srv.Close()
			s, err := Identify(t.Context(), &Options{URL: srv.URL})
			if err != nil {
				if s != (Server{}) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%+v, %v", s, err)
				}
				return
			}
			if s.String() != c.want || s.takesKernelID() != c.ids {
				t.Errorf("%q, takes ids %v", s, s.takesKernelID())
			}
		})
	}
}
