package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"time"

	"assay/executor"
	"assay/notebooks"
	"assay/params"
	"assay/runs"
)

// minMemory is the smallest --memory-limit: no interpreter starts in less.
const minMemory = 64 << 20

// check refuses flags that cannot mean what they say.
func (f *runFlags) check() error {
	switch {
	case f.engine != "" && f.engine != "nbclient":
		return usage("leave --engine out: assay has one engine, which does what nbclient does", "no engine named %q", f.engine)
	case f.attest && f.prepare:
		return usage("leave --attest out", "--attest attests what a run gave, and --prepare-only runs nothing")
	case f.jobs < 1:
		return usage("-j 2 runs two at a time", "-j %d: at least one run at a time", f.jobs)
	case f.memoryLimit != 0 && f.memoryLimit < minMemory:
		return usage(fmt.Sprintf("did you mean --memory-limit %dM?", f.memoryLimit), "--memory-limit %d bytes: no kernel starts in that", f.memoryLimit)
	}
	if f.gateway == "" {
		return nil
	}
	for flag, given := range map[string]bool{"--memory-limit": f.memoryLimit != 0, "--python": f.python != "", "--untrimmed": f.untrimmed} {
		if given {
			return usage("leave it out, or leave --gateway (ASSAY_GATEWAY_URL) out", "%s is for kernels on this machine, not for a gateway's", flag)
		}
	}
	return nil
}

// request makes what the runs of one call have in common from the flags.
func (f *runFlags) request(ctx context.Context) (runs.Request, error) {
	m, err := f.parameters(ctx)
	if err != nil {
		return runs.Request{}, err
	}
	return runs.Request{
		Trigger: runs.CLI, AskedBy: askedBy(), Parameters: m, NoReceipt: f.noReceipt, Attest: f.attest,
		InjectInputPath: f.injectInput || f.injectPaths, InjectOutputPath: f.injectOutput || f.injectPaths,
		Kernel: f.kernel, Language: f.language, Cwd: f.cwd,
		Strict: f.strict, ReportMode: f.reportMode, Prepare: f.prepare, Compat: f.compat, Overwrite: f.overwrite,
		StartTimeout:    time.Duration(f.startTimeout),
		AllowIncomplete: f.allowIncomplete, MemoryLimit: int64(f.memoryLimit), Untrimmed: f.untrimmed,
		SaveOff: !f.saveOnExecute,
		Cells: executor.Options{
			CellTimeout: time.Duration(f.executionTimeout), RunTimeout: time.Duration(f.runTimeout),
			AllowErrors: f.allowErrors, CoalesceStreams: f.coalesce, MaxOutput: int64(f.maxOutput),
		},
	}, nil
}

// parameters merges what the caller gave in papermill's fixed order: all -b, all -f, all -y, all -p, all -r.
func (f *runFlags) parameters(ctx context.Context) (*params.Map, error) {
	m := new(params.Map)
	for _, s := range f.base64s {
		text, err := decodeBase64(s)
		if err == nil {
			err = addYAML(m, text)
		}
		if err != nil {
			return nil, usage("-b takes the base64 of YAML: echo 'alpha: 1' | base64", "-b %s: %v", shorten(s), err)
		}
	}
	for _, ref := range f.files {
		got, err := notebooks.Read(ctx, ref, notebookOptions())
		if err != nil {
			return nil, &exitError{code: exitSurroundings, err: fmt.Errorf("read the parameters: %w", err), hint: hintOf(err, ref)}
		}
		if err := addYAML(m, got.Data); err != nil {
			return nil, usage("a parameter file is YAML or JSON with names at the top: alpha: 0.6", "parameter file %s: %v", ref, err)
		}
	}
	for _, s := range f.yamls {
		if err := addYAML(m, []byte(s)); err != nil {
			return nil, usage("for example: -y 'alpha: 0.6'", "-y %s: %v", shorten(s), err)
		}
	}
	for _, pair := range f.pairs {
		name, value := splitPair(pair)
		v, err := params.ResolveArgSecret(name, value, lookupSecret)
		if err != nil {
			return nil, usage("@env:NAME and @file:PATH are secrets; a text that begins with @ is written @@, or given with -r", "-p %s: %v", name, err)
		}
		m.Set(name, v)
	}
	for _, pair := range f.rawPairs {
		name, value := splitPair(pair)
		m.Set(name, value)
	}
	return m, nil
}

func addYAML(m *params.Map, text []byte) error {
	more, err := params.ParseYAML(text)
	if err != nil {
		return err
	}
	m.Update(more)
	return nil
}

func decodeBase64(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == ' ' {
			return -1 // Python's b64decode passes over them
		}
		return r
	}, s)
	return base64.StdEncoding.DecodeString(s)
}

// lookupSecret reads what a secret's reference names.
func lookupSecret(kind, name string) (string, bool, error) {
	if kind == "env" {
		v, ok := os.LookupEnv(name)
		return v, ok, nil
	}
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return "", false, nil
	}
	return strings.TrimSuffix(string(b), "\n"), err == nil, err
}

// shorten keeps an argument that is quoted in an error to a line.
func shorten(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
