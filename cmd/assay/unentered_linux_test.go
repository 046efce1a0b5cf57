package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events/codec"
	"assay/executor"
	"assay/internal/testenv"
	"assay/runs"
)

// giveUpEnv makes assay, as a test starts it, try once only to enter a run's end.
const giveUpEnv = "ASSAY_TEST_GIVES_UP"

// The real case: PostgreSQL is stopped before the run's end and started after
// the run gave up. The next run enters it as it was.
func TestUnenteredPostgres(t *testing.T) {
	t.Parallel()
	server := testenv.NewPostgres(t)
	k := &killed{home: t.TempDir()}
	env := []string{"HOME=" + k.home, "ASSAY_STORE=" + server.Database(t), giveUpEnv + "=1"}
	stopped := filepath.Join(t.TempDir(), "stopped")
	in := notebook(t, fmt.Sprintf("import os, time\nprint('on', flush=True)\nwhile not os.path.exists(%q): time.sleep(0.05)", stopped), "print('end')")
	out := filepath.Join(filepath.Dir(in), "out.ipynb")
	p := startAssayWith(t, env, "run", in, out, "--json")
	p.await(t, `"text":"on`)
	server.Stop(t)
	if err := os.WriteFile(stopped, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, dir := p.code(t), filepath.Join(k.home, ".local", "state", "assay", "unentered")
	kept, err := os.ReadDir(dir)
	said := p.stderr.String()
	if code != exitSurroundings || err != nil || len(kept) != 1 || !strings.Contains(said, "its end is kept in "+filepath.Join(dir, kept[0].Name())) || !strings.Contains(said, "hint: the next command that opens the log to write enters it") {
		t.Fatalf("exit code %d, %v, %v\n%s", code, kept, err, said)
	}
	if _, err := os.Stat(out + ".receipt.json"); err == nil {
		t.Fatal("it has a receipt: the database was not away")
	}
	run := strings.TrimSuffix(kept[0].Name(), ".json")
	server.Start(t)
	next := notebook(t, "1")
	_, said = k.assay(t, exitOK, env, "run", next, filepath.Join(filepath.Dir(next), "out.ipynb"))
	if want := fmt.Sprintf("the end of run %s of %s is entered in the log now: succeeded, entry ", run, in); !strings.Contains(said, want) || !strings.Contains(said, "its receipt: "+out+".receipt.json") || strings.Contains(said, "was interrupted") {
		t.Errorf("it does not say %q:\n%s", want, said)
	}
	list, _ := k.assay(t, exitOK, env, "log", "show")
	if strings.Count(list, "\n") != 2 || strings.Count(list, "succeeded") != 2 {
		t.Errorf("the log:\n%s", list)
	}
	k.assay(t, exitOK, env, "receipt", "verify", out)
	k.assay(t, exitOK, env, "log", "verify")
	k.assay(t, exitOK, env, "store", "check") // the run's events are those of its entry, each once
	if kept, err := os.ReadDir(dir); err != nil || len(kept) > 0 {
		t.Errorf("left: %v, %v", kept, err)
	}
}

// awayLog is a log whose database is away for the first tries.
type awayLog struct {
	record
	tries *int // left
	on    func()
}

func (l awayLog) Append(ctx context.Context, items ...ledger.Item) ([]int64, error) {
	if *l.tries == 0 {
		l.on()
		return l.record.Append(ctx, items...)
	}
	*l.tries--
	return nil, errors.New("the database is away")
}

// unenteredRun prepares a notebook, which is a run that succeeds, with a log
// that is away for so many tries.
func unenteredRun(t *testing.T, tries int, enterFor time.Duration, req runs.Request, on func(run string)) (run string, waited error) {
	t.Helper()
	s := freshState(t)
	defer closeState(t, s)
	svc := runs.New(record{s}, nil, &runs.Options{
		Version: "test", Owner: s.owner, Log: awayLog{record{s}, &tries, func() { on(run) }}, Bus: record{s}, Stage: s.stage(),
		Ends: ends{s.conf}, EnterFor: enterFor,
	})
	defer svc.Close()
	req.Trigger, req.Prepare = runs.CLI, true
	req.Listener = func(e runs.Event) { run = e.Run } // called before Submit returns, and by the run's own goroutine
	id, err := svc.Submit(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	row, err := svc.Wait(t.Context(), id)
	if row.State != executor.RunSucceeded {
		t.Fatalf("the run is %s: %s", row.State, row.Note)
	}
	return id, err
}

func freshState(t *testing.T) *state {
	t.Helper()
	s, err := openState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeState(t *testing.T, s *state) {
	t.Helper()
	if err := s.close(context.Background()); err != nil {
		t.Error(err)
	}
}

// unenteredHome is a home for this process and for those that it starts.
func unenteredHome(t *testing.T) *killed {
	t.Helper()
	k := &killed{home: t.TempDir()}
	for name, v := range map[string]string{"HOME": k.home, "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""} {
		t.Setenv(name, v)
	}
	in := notebook(t, "print('a text that nobody is to read')")
	k.out = filepath.Join(filepath.Dir(in), "out.ipynb")
	k.journal = in // which such a run has none of
	return k
}

// left leaves a run that succeeded, and whose end is in a file and nowhere else.
func (k *killed) left(t *testing.T, req runs.Request) (run string) {
	t.Helper()
	req.Input, req.Output = k.journal, k.out
	run, err := unenteredRun(t, 1000, 1, req, nil)
	var unentered *runs.UnenteredError
	if !errors.As(err, &unentered) || unentered.Run != run || unentered.Where != endPath(run) || !strings.Contains(err.Error(), "the database is away; its end is kept in "+endPath(run)) {
		t.Fatalf("the run's end: %v", err)
	}
	return run
}

// next enters what is kept and sweeps, as a command does, and returns what it says.
func next(t *testing.T) string {
	t.Helper()
	s, err := beginState(t.Context())
	if err == nil {
		err = s.opened()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, s)
	var said strings.Builder
	svc := s.service(1, nil)
	s.enterEnds(t.Context(), svc, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	swept, err := svc.Sweep(t.Context(), s.gone)
	if err != nil || len(swept) > 0 {
		t.Errorf("swept: %v, %v", swept, err)
	}
	return said.String()
}

// entered wants the run in the log as it was, once, and nothing else.
func (k *killed) entered(t *testing.T, run string) {
	t.Helper()
	list, _ := k.assay(t, exitOK, nil, "log", "show")
	if strings.Count(list, "\n") != 1 || !strings.Contains(list, "run       succeeded    "+run) {
		t.Errorf("the log:\n%s", list)
	}
	k.assay(t, exitOK, nil, "log", "verify")
	k.assay(t, exitOK, nil, "store", "check")
	if ends, err := os.ReadDir(endsDir()); err != nil || len(ends) > 0 {
		t.Errorf("left: %v, %v", ends, err)
	}
}

// A run's end is entered by the next command, whatever that is for; again, as
// after a kill before the file was removed.
func TestUnentered(t *testing.T) {
	k := unenteredHome(t)
	run := k.left(t, runs.Request{})
	text, err := os.ReadFile(endPath(run))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{endsDir(): 0o700, endPath(run): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	want := fmt.Sprintf("the end of run %s of %s is entered in the log now: succeeded, entry 0; its receipt: %s.receipt.json\n", run, k.journal, k.out)
	receipt, said := k.assay(t, exitOK, nil, "log", "prove", run)
	if said != want {
		t.Errorf("it says %q, want %q", said, want)
	}
	if beside, err := os.ReadFile(k.out + ".receipt.json"); err != nil || string(beside) != receipt {
		t.Errorf("the receipt beside: %v\n%s", err, beside)
	}
	k.assay(t, exitOK, nil, "receipt", "verify", k.out)
	k.entered(t, run)
	if err := os.WriteFile(endPath(run), text, 0o600); err != nil { // as though it had been killed before it went
		t.Fatal(err)
	}
	if said := next(t); said != want {
		t.Errorf("once more it says %q, want %q", said, want)
	}
	k.entered(t, run)
}

// Two commands at once enter an end once.
func TestUnenteredTwice(t *testing.T) {
	k := unenteredHome(t)
	run := k.left(t, runs.Request{})
	var both []*process
	for range 2 {
		both = append(both, startAssayWith(t, []string{"HOME=" + k.home}, "log", "checkpoint"))
	}
	said := ""
	for _, p := range both {
		if code := p.code(t); code != exitOK {
			t.Errorf("exit code %d\n%s", code, p.stderr.String())
		}
		said += p.stderr.String()
	}
	if !strings.Contains(said, "the end of run "+run) || strings.Contains(said, "warning") {
		t.Errorf("they say %q", said)
	}
	k.entered(t, run)
}

// From the first failure on the end is kept, so that a kill while assay tries
// again costs nothing; when it is entered at last nothing is left.
func TestUnenteredAtFirst(t *testing.T) {
	k := unenteredHome(t)
	kept := false
	run, err := unenteredRun(t, 1, time.Hour, runs.Request{Input: k.journal, Output: k.out}, func(run string) { kept = (ends{}).EndKept(run) })
	if err != nil || !kept {
		t.Errorf("%v; kept before the second try: %v", err, kept)
	}
	k.entered(t, run)
}

// The receipt stands beside the output where the run would have put it, if that
// is still what the run wrote; else the command says why not.
func TestUnenteredReceipt(t *testing.T) {
	for name, c := range map[string]struct {
		req    runs.Request
		change func(k *killed) error
		says   string
	}{
		"not wanted":               {runs.Request{NoReceipt: true}, func(*killed) error { return nil }, " prints it\n"},
		"gone":                     {runs.Request{}, func(k *killed) error { return os.Remove(k.out) }, "prints it (it is not beside the output: stat "},
		"changed":                  {runs.Request{}, func(k *killed) error { return os.WriteFile(k.out, []byte("{}"), 0o600) }, "out.ipynb is not what the run wrote any more)"},
		"a folder":                 {runs.Request{}, func(k *killed) error { return errors.Join(os.Remove(k.out), os.Mkdir(k.out, 0o700)) }, "out.ipynb is no regular file)"},
		"in its place is a folder": {runs.Request{}, func(k *killed) error { return os.Mkdir(k.out+".receipt.json", 0o700) }, "prints it (it is not beside the output: write "},
	} {
		t.Run(name, func(t *testing.T) {
			k := unenteredHome(t)
			run := k.left(t, c.req)
			if err := c.change(k); err != nil {
				t.Fatal(err)
			}
			if said := next(t); !strings.Contains(said, "succeeded, entry 0; its receipt: assay log prove "+run) || !strings.Contains(said, c.says) {
				t.Errorf("it says %q, not %q", said, c.says)
			}
			if info, err := os.Stat(k.out + ".receipt.json"); err == nil && info.Mode().IsRegular() {
				t.Error("there is a receipt")
			}
			k.entered(t, run)
		})
	}
}

// Where not even the file can be written the error says both.
func TestUnenteredNowhere(t *testing.T) {
	for says, seal := range map[string]func() error{
		"mkdir ": func() error { return os.WriteFile(endsDir(), nil, 0o600) },
		"write ": func() error { return os.Symlink("/proc/self/fdinfo", endsDir()) }, // a folder that takes no file, not even root's
	} {
		k := unenteredHome(t)
		if err := errors.Join(os.MkdirAll(stateDir(), 0o700), seal()); err != nil {
			t.Fatal(err)
		}
		_, err := unenteredRun(t, 1000, 1, runs.Request{Input: k.journal, Output: k.out}, nil)
		var unentered *runs.UnenteredError
		if errors.As(err, &unentered) || !strings.Contains(fmt.Sprint(err), "the database is away; nor can its end be kept to be entered later: "+says+endsDir()) {
			t.Errorf("%v", err)
		}
	}
}

// Where the configuration encrypts, nothing of the run is readable in the file.
func TestUnenteredSealed(t *testing.T) {
	k := unenteredHome(t)
	t.Setenv("ASSAY_EVENT_KEY", strings.Repeat("QUJD", 10)+"QUI=")
	if err := errors.Join(os.MkdirAll(configDir(), 0o700), os.WriteFile(configPath(), []byte("encrypt: true\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	run := k.left(t, runs.Request{AskedBy: "ada"})
	text, err := os.ReadFile(endPath(run))
	if err != nil {
		t.Fatal(err)
	}
	var f endFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"ada", "in.ipynb", "succeeded", "payloads"} {
		if bytes.Contains(text, []byte(plain)) || bytes.Contains(f.End, []byte(plain)) {
			t.Errorf("the file has %q in plain", plain)
		}
	}
	if f.End[0] != codec.TagXAES {
		t.Errorf("tag %d", f.End[0])
	}
	if said := next(t); !strings.Contains(said, run) || strings.Contains(said, "warning") {
		t.Errorf("it says %q", said)
	}
	k.entered(t, run)
}

// reseal changes what is in a file, and seals it anew.
func reseal(t *testing.T, text []byte, change func(end map[string]any)) []byte {
	t.Helper()
	var f endFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	var end map[string]any
	if err := json.Unmarshal(f.End[1:], &end); err != nil { // after the tag of what is plain
		t.Fatal(err)
	}
	change(end)
	plain, err := json.Marshal(end)
	if err != nil {
		t.Fatal(err)
	}
	return sealedBy(t, &config{}, f, plain)
}

func sealedBy(t *testing.T, c *config, f endFile, plain []byte) []byte {
	t.Helper()
	codec, err := c.codec()
	if err != nil {
		t.Fatal(err)
	}
	if f.End, err = codec.Seal(endBinding(f.Run), plain); err != nil {
		t.Fatal(err)
	}
	f.Digest = audit.DigestBytes(f.End).String()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A file that is no use is told of by name and reason, and stays as it is; its
// run is not swept, and the command goes on. The whole file is entered after all.
func TestUnenteredDamaged(t *testing.T) {
	k := unenteredHome(t)
	run := k.left(t, runs.Request{})
	whole, err := os.ReadFile(endPath(run))
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) func(*testing.T) []byte {
		return func(*testing.T) []byte { return bytes.Replace(whole, []byte(old), []byte(new), 1) }
	}
	inside := func(change func(end map[string]any)) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return reseal(t, whole, change) }
	}
	for name, c := range map[string]struct {
		text func(*testing.T) []byte
		says string
	}{
		"empty":                    {func(*testing.T) []byte { return nil }, "it is damaged: unexpected end of JSON input"},
		"truncated":                {func(*testing.T) []byte { return whole[:len(whole)/2] }, "it is damaged: unexpected end of JSON input"},
		"twice":                    {func(*testing.T) []byte { return append(whole[:len(whole):len(whole)], whole...) }, "it is damaged: invalid character"},
		"a byte changed":           {with(`"end":"AH`, `"end":"AG`), "it has another digest than it states"},
		"another version":          {with(`"version":1`, `"version":2,"new":true`), "its version 2 is not known here: a newer assay may know it"},
		"an unknown field":         {with(`"version":1`, `"version":1,"new":true`), `unknown field "new"`},
		"another run":              {with(`"run":"`+run, `"run":"0`+run), "it is the end of the run"},
		"an unknown field inside":  {inside(func(end map[string]any) { end["new"] = 1 }), `unknown field "new"`},
		"another run inside":       {inside(func(end map[string]any) { end["run"].(map[string]any)["ID"] = "x" }), "entry and row are not of one run"},
		"another state inside":     {inside(func(end map[string]any) { end["run"].(map[string]any)["State"] = "failed" }), "the entry says that the run is succeeded, and its row says failed"},
		"a payload missing inside": {inside(func(end map[string]any) { end["payloads"] = end["payloads"].([]any)[1:] }), "the entry is not bound to the payloads"},
		"an event missing inside":  {inside(func(end map[string]any) { end["events"] = []any{} }), "its last event is not the run's end"},
		"a relative output inside": {inside(func(end map[string]any) { end["output"] = "out.ipynb" }), "is no absolute path"},
		"another log": {inside(func(end map[string]any) {
			var leaf []byte
			if err := json.Unmarshal(fmt.Appendf(nil, "%q", end["leaf"]), &leaf); err != nil {
				t.Fatal(err)
			}
			e, err := audit.ParseEntry(leaf)
			if err != nil {
				t.Fatal(err)
			}
			e.Log = "other.example/log"
			digest := audit.DigestBytes(e.Encode())
			end["leaf"], end["stage"].(map[string]any)["StateHash"] = e.Encode(), hex.EncodeToString(digest[:])
		}), "it is for another log: other.example/log, and this is assay.local/"},
		"another key": {func(t *testing.T) []byte {
			t.Setenv("ASSAY_EVENT_KEY", strings.Repeat("QUJD", 10)+"QUI=")
			return sealedBy(t, &config{Encrypt: true}, endFile{Version: 1, Run: run}, []byte("{}"))
		}, "unseal it: "},
	} {
		text := []byte(nil)
		t.Run(name+", made", func(t *testing.T) { text = c.text(t) }) // what it sets in the environment goes with it
		k.useless(t, run, name, text, c.says)
	}
	if err := os.Truncate(endPath(run), maxEnd+1); err != nil {
		t.Fatal(err)
	}
	if said := next(t); !strings.Contains(said, "it has 1073741825 bytes, more than any has") {
		t.Errorf("too large: %q", said)
	}
	if err := errors.Join(os.Remove(endPath(run)), os.Mkdir(endPath(run), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, said := k.assay(t, exitOK, nil, "log", "checkpoint"); !strings.Contains(said, "warning: the end of a run in "+endPath(run)+" cannot be entered in the log: it is no regular file; it stays there, and the run is not entered as interrupted") {
		t.Errorf("a folder: %q", said)
	}
	if err := errors.Join(os.Remove(endPath(run)), os.WriteFile(endPath(run), whole, 0o600)); err != nil {
		t.Fatal(err)
	}
	if said := next(t); !strings.Contains(said, "entry 0") {
		t.Errorf("the whole file: %q", said)
	}
	k.entered(t, run)
}

// What others may have put there is not entered, and keeps runs from being
// called interrupted.
func TestUnenteredForeign(t *testing.T) {
	k := unenteredHome(t)
	run := k.left(t, runs.Request{})
	whole, err := os.ReadFile(endPath(run))
	if err != nil {
		t.Fatal(err)
	}
	file := "warning: the end of a run in " + endPath(run) + " cannot be entered in the log: "
	folder := "warning: the ends of runs that are not in the log cannot be looked for: " + endsDir() + ": "
	aside := endsDir() + ".aside"
	for name, c := range map[string]struct {
		change, back func() error
		says         string
	}{
		"a group's file":   {func() error { return os.Chmod(endPath(run), 0o660) }, func() error { return os.Chmod(endPath(run), 0o600) }, file + "others on this machine may change it, its mode is 0660"},
		"a group's folder": {func() error { return os.Chmod(endsDir(), 0o770) }, func() error { return os.Chmod(endsDir(), 0o700) }, folder + "others on this machine may change it, its mode is 0770"},
		"a link": {
			func() error {
				return errors.Join(os.Rename(endPath(run), aside), os.Symlink(aside, endPath(run)))
			},
			func() error { return os.Rename(aside, endPath(run)) },
			file + "it is no regular file",
		},
		"a folder's link": {
			func() error { return errors.Join(os.Rename(endsDir(), aside), os.Symlink(aside, endsDir())) },
			func() error { return errors.Join(os.Remove(endsDir()), os.Rename(aside, endsDir())) },
			folder + "it is no folder",
		},
		"a pipe": {
			func() error { return errors.Join(os.Remove(endPath(run)), syscall.Mkfifo(endPath(run), 0o600)) },
			func() error {
				return errors.Join(os.Remove(endPath(run)), os.WriteFile(endPath(run), whole, 0o600))
			},
			file + "it is no regular file",
		},
		"another's file":   {func() error { return os.Chown(endPath(run), 1234, -1) }, func() error { return os.Chown(endPath(run), os.Geteuid(), -1) }, file + "it is the user 1234's, and this is the user 0"},
		"another's folder": {func() error { return os.Chown(endsDir(), 1234, -1) }, func() error { return os.Chown(endsDir(), os.Geteuid(), -1) }, folder + "it is the user 1234's, and this is the user 0"},
	} {
		if strings.HasPrefix(name, "another's") && os.Geteuid() != 0 {
			continue // only root can give a file away
		}
		if err := c.change(); err != nil {
			t.Fatal(name, err)
		}
		if said := next(t); strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, c.says) {
			t.Errorf("%s: it says %q, not %q", name, said, c.says)
		}
		if !(ends{}).EndKept(run) || strings.HasPrefix(c.says, folder) && !(ends{}).EndKept("any") {
			t.Errorf("%s: its run would be swept", name)
		}
		if err := c.back(); err != nil {
			t.Fatal(name, err)
		}
	}
	if said := next(t); !strings.Contains(said, "entry 0") {
		t.Errorf("at last: %q", said)
	}
	k.entered(t, run)
}

func (k *killed) useless(t *testing.T, run, name string, text []byte, says string) {
	t.Helper()
	if err := os.WriteFile(endPath(run), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := next(t); strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "warning: the end of a run in "+endPath(run)+" cannot be entered in the log: ") || !strings.Contains(said, says) {
		t.Errorf("%s: it says %q, not %q", name, said, says)
	}
	if now, err := os.ReadFile(endPath(run)); err != nil || !bytes.Equal(now, text) {
		t.Errorf("%s: the file is not as it was: %v", name, err)
	}
	s, err := openReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, s)
	unended, err := s.store.Unended(t.Context())
	size, serr := s.store.Size(t.Context())
	if err != nil || serr != nil || len(unended) != 1 || size != 0 {
		t.Errorf("%s: %d runs have not ended, %d entries, %v, %v", name, len(unended), size, err, serr)
	}
}

// An older assay may have entered the run as interrupted: the log stays as it
// is, and what contradicts it is not lost.
func TestUnenteredConflict(t *testing.T) {
	k := unenteredHome(t)
	run := k.left(t, runs.Request{})
	whole, err := os.ReadFile(endPath(run))
	if err != nil {
		t.Fatal(err)
	}
	s, err := beginState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	older := runs.New(record{s}, nil, &runs.Options{Owner: s.owner, Log: record{s}, Bus: record{s}, Stage: s.stage()})
	swept, err := older.Sweep(t.Context(), s.gone)
	closeState(t, s)
	if err != nil || len(swept) != 1 {
		t.Fatalf("swept: %v, %v", swept, err)
	}
	said := next(t)
	left, err := filepath.Glob(filepath.Join(endsDir(), "*"))
	if err != nil || len(left) != 1 || !strings.HasPrefix(filepath.Base(left[0]), run+".conflict-") {
		t.Fatalf("left: %v, %v", left, err)
	}
	if !strings.HasPrefix(said, "warning: the log says something else of the run "+run+" than its end, which is now in "+left[0]) {
		t.Errorf("it says %q", said)
	}
	if now, err := os.ReadFile(left[0]); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the end is not what it was: %v", err)
	}
	young, old, others := filepath.Join(endsDir(), "."+run+".json.AB.tmp"), filepath.Join(endsDir(), ".x.json.CD.tmp"), filepath.Join(endsDir(), "x.conflict-0")
	for _, name := range []string{young, old, others} {
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*abandoned)); err != nil {
		t.Fatal(err)
	}
	if said := next(t); said != "" {
		t.Errorf("the next command says %q", said)
	}
	if exists(old) || !exists(young) {
		t.Errorf("a temporary of a process that is gone: %v; one that may be written: %v", exists(old), exists(young))
	}
	_, said = k.assay(t, exitOK, nil, "log", "erase", run, "--payload", "names", "--reason", "a person asked")
	if !strings.Contains(said, "removed "+left[0]+", in which the run's end was kept") || exists(left[0]) || exists(young) || !exists(others) {
		t.Errorf("after the erasure %v, %v, %v; it says %q", exists(left[0]), exists(young), exists(others), said)
	}
	if err := os.WriteFile(left[0], whole, 0o600); err != nil { // as though it had been killed in between
		t.Fatal(err)
	}
	k.assay(t, exitOK, nil, "log", "erase", run, "--payload", "names", "--reason", "a person asked")
	if exists(left[0]) {
		t.Error("what is erased already leaves the file")
	}
	k.assay(t, exitUsage, nil, "log", "erase", run, "--payload", "names", "--reason", "a person asked")
	k.assay(t, exitOK, nil, "log", "verify")
	k.assay(t, exitOK, nil, "store", "check")
}

// Of a database that is away one end is told of; one that is refused for
// itself keeps no other from being entered.
func TestUnenteredRefused(t *testing.T) {
	k := unenteredHome(t)
	first, aside := k.left(t, runs.Request{}), endsDir()+".aside"
	if err := os.Rename(endsDir(), aside); err != nil { // else the next run would enter it
		t.Fatal(err)
	}
	second := k.left(t, runs.Request{})
	if err := os.Rename(filepath.Join(aside, filepath.Base(endPath(first))), endPath(first)); err != nil {
		t.Fatal(err)
	}
	s, err := beginState(t.Context())
	if err == nil {
		err = s.opened()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
	tries := 1
	refusing := runs.New(record{s}, nil, &runs.Options{Owner: s.owner, Log: awayLog{record{s}, &tries, func() {}}, Bus: record{s}, Stage: s.stage()})
	s.enterEnds(t.Context(), refusing, say)
	if !strings.HasPrefix(said.String(), "warning: the end of a run in "+endPath(first)) || !strings.Contains(said.String(), "\nthe end of run "+second+" of ") {
		t.Errorf("it says %q", said.String())
	}
	whole, err := os.ReadFile(endPath(first))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(endPath("y"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	said.Reset()
	s.enterEnds(t.Context(), s.service(1, nil), say)
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "warning: the end of a run in "+endPath(first)) {
		t.Errorf("without a database it says %q", got)
	}
	_ = s.close(context.Background()) // its database is closed already
}

// What is said of an end that is kept is what becomes of it.
func TestUnenteredHint(t *testing.T) {
	for want, err := range map[string]error{"enters it, as it was": errors.New("away"), "former name": ledger.ErrMoved, "sets the file aside": ledger.ErrConflict} {
		var known *exitError
		if !errors.As(evidenceError(&runs.UnenteredError{Err: err}), &known) || !strings.Contains(known.hint, want) {
			t.Errorf("%v: %q, not %q", err, known.hint, want)
		}
	}
}
