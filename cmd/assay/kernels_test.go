package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestKernelsOfGateway asks a server that answers as Kernel Gateway does.
func TestKernelsOfGateway(t *testing.T) {
	t.Parallel()
	specs := `{"default": "python3", "kernelspecs": {
		"python3": {"name": "python3", "spec": {"display_name": "Py", "language": "python", "interrupt_mode": "signal"}},
		"odd": {"name": "odd", "spec": {"display_name": "O\u001b[2Jdd", "language": "x", "interrupt_mode": "message"}}}}`
	for _, c := range []struct {
		name, specs, want string
		args              []string
		code              int
	}{
		{"list", specs, `{"v":1,"gateway":"URL","kernels":[{"name":"odd",`, []string{"list", "--json"}, 0},
		{"list as text", specs, `O\x1b[2Jdd`, []string{"list"}, 0},
		{"explain", specs, `{"v":1,"gateway":"URL","spec":{"name":"python3","display_name":"Py","language":"python","interrupt_mode":"signal","default":true}}`, []string{"explain", "python3", "--json"}, 0},
		{"explain one that is not there", specs, "it has odd, python3 (its default)", []string{"explain", "ir"}, 3},
		{"doctor", specs, "ok       kernels: odd, python3 (its default)", []string{"doctor"}, 0},
		{"doctor names the server", specs, "ok       gateway: URL answers: Kernel Gateway on Jupyter Server 2.21.0\n", []string{"doctor"}, 0},
		{"doctor without kernels", `{"kernelspecs": {}}`, "error    kernels: ", []string{"doctor"}, 3},
		{"list without kernels", `{"kernelspecs": {}}`, "has no kernel", []string{"list"}, 3},
		{"doctor of another server", `<html>`, "error    gateway: ", []string{"doctor"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/api":
					io.WriteString(w, `{"version": "2.21.0"}`)
				case "/api/kernelspecs":
					io.WriteString(w, c.specs)
				default:
					http.NotFound(w, r)
				}
			}))
			defer srv.Close()
			p := startAssay(t, append([]string{"kernels", "--gateway", srv.URL}, c.args...)...)
			out, err := io.ReadAll(p.stdout)
			if err != nil {
				t.Fatal(err)
			}
			code := p.code(t)
			said := strings.ReplaceAll(string(out)+p.stderr.String(), srv.URL, "URL")
			if code != c.code || !strings.Contains(said, c.want) || strings.Contains(said, "\x1b") {
				t.Errorf("exit code %d, want %d; want %q in\n%s", code, c.code, c.want, said)
			}
		})
	}
}
