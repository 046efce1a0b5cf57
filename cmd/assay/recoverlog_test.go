package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/audit"
)

// killed is a run that was killed in its second cell, and the home of its log.
type killed struct{ home, out, journal string }

func killedRun(t *testing.T) *killed {
	t.Helper()
	in := notebook(t, "print('first')", "import time; print('on', flush=True); time.sleep(600)", "never = 1")
	k := &killed{home: t.TempDir(), out: filepath.Join(filepath.Dir(in), "out.ipynb")}
	k.journal = filepath.Join(filepath.Dir(in), ".out.ipynb.journal")
	p := startAssayWith(t, []string{"HOME=" + k.home}, "run", in, k.out, "--json")
	p.await(t, `"text":"on`)
	awaitJournal(t, k.out, 1)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.code(t)
	if _, err := os.Stat(k.journal); err != nil {
		t.Fatalf("no journal: %v", err)
	}
	return k
}

// assay runs assay in the killed run's home, and wants the exit code.
func (k *killed) assay(t *testing.T, want int, env []string, args ...string) (stdout, stderr string) {
	t.Helper()
	p := startAssayWith(t, append([]string{"HOME=" + k.home}, env...), args...)
	out, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if code := p.code(t); code != want {
		t.Fatalf("assay %v: exit code %d, want %d\n%s%s", args, code, want, out, p.stderr.String())
	}
	return string(out), p.stderr.String()
}

func (k *killed) recover(t *testing.T, env []string, args ...string) (r recovery, said string) {
	t.Helper()
	out, said := k.assay(t, exitOK, env, append([]string{"recover", "--json", k.out}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r, said
}

// What was recovered of a killed run is an act in the log, with a receipt that
// says what it is. The run itself is entered as interrupted first.
func TestRecoverInLog(t *testing.T) {
	t.Parallel()
	k := killedRun(t)
	r, said := k.recover(t, nil)
	if r.Entry == nil || *r.Entry != 1 || r.Receipt != k.out+".receipt.json" || r.Cells != 1 || len(r.Interrupted) != 1 || r.NotRun != 1 {
		t.Fatalf("recovered: %+v\n%s", r, said)
	}
	list, _ := k.assay(t, exitOK, nil, "log", "show")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "run       failed       "+r.RunID) || !strings.Contains(lines[1], "recovered -            recovered-"+r.RunID) {
		t.Errorf("the log:\n%s", list)
	}
	what := "from the journal of the run " + r.RunID + ", which was interrupted"
	verdict, _ := k.assay(t, exitOK, nil, "receipt", "verify", k.out)
	for _, want := range []string{
		"verified\nproved:\n  assay recorded that it recovered a notebook " + what + "\n",
		"the notebook is, byte for byte, what assay recovered " + what,
		"1 cells had ended, 1 were interrupted, 1 had not run; the log had the run " + r.RunID + " as failed by then, because of interrupted",
		"not proved:", "that the journal, and the unfinished notebook beside it, are what the run wrote: they lay unsigned on the disk",
	} {
		if !strings.Contains(verdict, want) {
			t.Errorf("the verdict does not say %q:\n%s", want, verdict)
		}
	}
	receipt, err := os.ReadFile(r.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := k.assay(t, exitOK, nil, "log", "prove", k.out); again != string(receipt) {
		t.Errorf("log prove of the recovered notebook gives another receipt:\n%s\n%s", again, receipt)
	}
	k.assay(t, exitOK, nil, "log", "verify")
	k.assay(t, exitOK, nil, "store", "check")
	k.assay(t, exitOK, nil, "log", "erase", k.out, "--payload", "names", "--payload", "cells", "--reason", "a person asked")
	shown, _ := k.assay(t, exitOK, nil, "log", "show", "recovered-"+r.RunID)
	if !strings.Contains(shown, "names        (erased") || !strings.Contains(shown, "cells        (erased") || !strings.Contains(shown, `output       {"version":1`) {
		t.Errorf("after the erasure:\n%s", shown)
	}
	if shown, _ := k.assay(t, exitOK, nil, "log", "show", r.RunID); !strings.Contains(shown, "names        (erased") {
		t.Errorf("the run's own entry after the erasure:\n%s", shown)
	}
	k.assay(t, exitUsage, nil, "log", "erase", r.RunID, "--payload", "names", "--reason", "again")
	k.assay(t, exitOK, nil, "store", "check")
	k.assay(t, exitOK, nil, "log", "verify")
	k.assay(t, exitOK, nil, "receipt", "verify", k.out) // it was given before
}

// Recovering needs no log. Who was killed before the log had it enters it later,
// once, as long as the journal is there.
func TestRecoverWithoutLog(t *testing.T) {
	t.Parallel()
	k := killedRun(t)
	journal, err := os.ReadFile(k.journal)
	if err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, said := k.recover(t, []string{"XDG_STATE_HOME=" + none})
	if r.Entry != nil || r.Receipt != "" || r.Cells != 1 || !strings.Contains(said, "warning: the log cannot be opened, so what is recovered is not in it") {
		t.Errorf("recovered: %+v\n%s", r, said)
	}
	data, err := os.ReadFile(k.out)
	if err != nil || !bytes.Contains(data, []byte(`first\n`)) || !bytes.Contains(data, []byte(`"recovered": true`)) {
		t.Errorf("the recovered notebook: %v\n%s", err, data)
	}
	for _, name := range []string{k.journal, k.out + ".receipt.json"} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, noReceipt := range []bool{true, false} { // as though it had been killed before the journal went
		if err := os.WriteFile(k.journal, journal, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{}
		if noReceipt {
			args = append(args, "--no-receipt")
		}
		r, said = k.recover(t, nil, args...)
		if r.Entry == nil || *r.Entry != 1 || !r.Finished || r.Cells != 1 || len(r.Interrupted) != 1 || r.NotRun != 1 || (r.Receipt == "") != noReceipt {
			t.Errorf("time %d: %+v\n%s", i, r, said)
		}
	}
	if now, err := os.ReadFile(k.out); err != nil || !bytes.Equal(now, data) {
		t.Errorf("the notebook was changed: %v\n%s", err, now)
	}
	text, err := os.ReadFile(k.out + ".receipt.json")
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := audit.ParseReceipt(text)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := audit.ParseRecovered(receipt.Payloads); err != nil || f.Output.File != audit.DigestBytes(data) || f.Recovery.Journal != audit.DigestBytes(journal) || f.Recovery.Size != int64(len(journal)) {
		t.Errorf("the receipt says %+v, %v", f, err)
	}
}
