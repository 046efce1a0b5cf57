package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

func TestKernelEnviron(t *testing.T) {
	t.Parallel()
	conf := &config{Destinations: []destinationConfig{{Secret: "@env:HOOK"}, {Secret: "@env:BOTH"}, {Secret: "@file:FILE"}, {}}}
	f := &runFlags{pairs: []string{"token" + pairSeparator + "@env:BOTH", "log" + pairSeparator + "@env:ASSAY_LOG_KEY", "n" + pairSeparator + "@@env:HOOK"}}
	own := []string{"ASSAY_LOG_KEY=k", "ASSAY_EVENT_KEY=k", "ASSAY_EVENT_KEY_ID=2", "ASSAY_EVENT_KEY_2=k", "ASSAY_GATEWAY_TOKEN=t", "HOOK=h"}
	theirs := []string{"PATH=/bin", "BOTH=b", "FILE=f", "HOOKED=", "ASSAY_CONFIG=c", "=C:=C:\\", "EMPTY="}
	for store, stays := range map[string]bool{
		"sqlite:/a:b@c.db": true, "postgres://u@h/db": true, "postgres://h/db?sslmode=require": true,
		"postgres://u:pw@h/db": false, "postgres://h/db?password=pw": false, "postgres://u:p%w@h/db": false,
	} {
		env, want := slices.Concat(own, theirs, []string{"ASSAY_STORE=" + store}), theirs
		if stays {
			want = append(slices.Clone(theirs), "ASSAY_STORE="+store)
		}
		before := slices.Clone(env)
		if diff := cmp.Diff(want, kernelEnviron(env, f, conf)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", store, diff)
		}
		if !slices.Equal(env, before) {
			t.Error("the environment that was given is changed")
		}
	}
}

// A real kernel has none of assay's own secrets, and the parameter's one.
func TestKernelHasNoSecretsOfOurs(t *testing.T) {
	t.Parallel()
	testenv.Prefix(t, "main")
	home := t.TempDir()
	config := filepath.Join(home, "config.yaml")
	text := "destinations:\n  - {name: lines, type: file, path: " + filepath.Join(home, "events.jsonl") + ", secret: \"@env:HOOK_SECRET\"}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	env := []string{
		"ASSAY_CONFIG=" + config, "ASSAY_LOG_KEY=" + key, "ASSAY_EVENT_KEY=" + strings.Repeat("5a", 32), "ASSAY_GATEWAY_TOKEN=gate-token-1",
		"HOOK_SECRET=hook-secret-1", "NOTEBOOKS_OWN=notebook-own-1", "API_TOKEN=api-token-1", "CI=",
	}
	out := filepath.Join(home, "out.ipynb")
	in := notebook(t, "import os\nfor k, v in sorted(os.environ.items()): print(k, v)\nprint('same', os.environ['API_TOKEN'] == token)")
	p := startAssayWith(t, env, "run", in, out, "-p", "token", "@env:API_TOKEN", "--no-receipt")
	if code := p.code(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	printed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ASSAY_LOG_KEY", "PRIVATE KEY", "ASSAY_EVENT_KEY", "5a5a5a5a", "ASSAY_GATEWAY_TOKEN", "gate-token-1", "HOOK_SECRET", "hook-secret-1", "api-token-1"} {
		if strings.Contains(string(printed), text) {
			t.Errorf("the kernel shows %s", text)
		}
	}
	for _, text := range []string{"NOTEBOOKS_OWN notebook-own-1", "API_TOKEN [secret token]", "ASSAY_CONFIG ", "same True"} {
		if !strings.Contains(string(printed), text) {
			t.Errorf("the kernel does not show %s", text)
		}
	}
}
