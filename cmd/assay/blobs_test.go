package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/audit"
	"assay/internal/testenv"
)

// keepingHome is a home whose configuration says blobs.
func keepingHome(t *testing.T, place string) (home string) {
	t.Helper()
	home = t.TempDir()
	setBlobs(t, home, place)
	return home
}

func setBlobs(t *testing.T, home, place string) {
	t.Helper()
	name := filepath.Join(home, ".config", "assay", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("blobs: "+place+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// says runs assay to its end.
func says(t *testing.T, env []string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	p := startAssayWith(t, env, args...)
	out, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if code := p.code(t); code != want {
		t.Fatalf("assay %q: exit code %d, want %d\n%s%s", args, code, want, out, p.stderr.String())
	}
	return string(out), p.stderr.String()
}

// Notebooks are kept in a real object store, beside which a run may write its
// output; an erasure takes them from there, as soon as it is there.
func TestBlobsInS3(t *testing.T) {
	endpoint, folder := testenv.S3(t, "bkt")
	place := func(endpoint string) string { return "s3://bkt/kept?region=us-east-1&endpoint=" + endpoint }
	home := keepingHome(t, place(endpoint))
	env := []string{"HOME=" + home, "ASSAY_CONFIG=" + filepath.Join(home, ".config", "assay", "config.yaml"), "AWS_MAX_ATTEMPTS=1"}
	for name, value := range testenv.S3Env(testenv.S3Key, testenv.S3Secret) {
		env = append(env, name+"="+value)
	}
	env = append(env, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:2") // the address goes before it
	in := notebook(t, "print('kept')")
	input, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, said := says(t, env, exitOK, "run", in, "s3://bkt/out.ipynb?region=us-east-1&endpoint="+endpoint); strings.Contains(said, "not kept") {
		t.Fatal(said)
	}
	if _, err := os.Stat(filepath.Join(folder, "out.ipynb.receipt.json")); err != nil {
		t.Error(err)
	}
	output, err := os.ReadFile(filepath.Join(folder, "out.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, b := range map[string][]byte{"input": input, "output": output} {
		digest := audit.DigestBytes(b).String()
		found, err := filepath.Glob(filepath.Join(folder, "kept", "*", "sha256", digest[7:9], digest[9:]))
		if err != nil || len(found) != 1 {
			t.Fatalf("the %s is kept as %q, %v", name, found, err)
		}
		files[name] = found[0]
		if got, err := os.ReadFile(files[name]); err != nil || !bytes.HasSuffix(got, b) {
			t.Errorf("%s: %d bytes are kept of %d, %v", name, len(got), len(b), err)
		}
		if got, _ := says(t, env, exitOK, "store", "cat", digest); got != string(b) {
			t.Errorf("store cat prints %d bytes of %d", len(got), len(b))
		}
	}
	there := func(name string, want bool) {
		t.Helper()
		if _, err := os.Stat(files[name]); (err == nil) != want {
			t.Errorf("the %s: %v", name, err)
		}
	}
	says(t, env, exitOK, "log", "erase", "0", "--payload", "input", "--reason", "test")
	there("input", false)
	there("output", true)
	setBlobs(t, home, place("http://127.0.0.1:1"))
	if _, said := says(t, env, exitSurroundings, "log", "erase", "0", "--payload", "cells", "--reason", "test"); !strings.Contains(said, "entry 2 says so") || !strings.Contains(said, "assay store scrub") {
		t.Errorf("erased while the object store is away:\n%s", said)
	}
	there("output", true)
	if found, _ := says(t, env, exitFailed, "store", "check"); !strings.Contains(found, "it was erased, and its bytes may still be there") {
		t.Error(found)
	}
	setBlobs(t, home, place(endpoint))
	says(t, env, exitOK, "store", "scrub")
	there("output", false)
	says(t, env, exitOK, "store", "check")
	says(t, env, exitOK, "log", "verify")
}

// A backup without the place of the blobs, which the configuration named once,
// is kept and said not to be whole.
func TestBackupWithoutBlobs(t *testing.T) {
	testenv.Prefix(t, "main")
	dir := t.TempDir()
	home := keepingHome(t, filepath.Join(dir, "kept"))
	env := []string{"HOME=" + home}
	says(t, env, exitOK, "run", notebook(t, "1"), filepath.Join(dir, "out.ipynb"))
	if err := os.Remove(filepath.Join(home, ".config", "assay", "config.yaml")); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "copy.db")
	_, said := says(t, env, exitSurroundings, "store", "backup", backup)
	for _, want := range []string{"2 of 2 blobs are not copied", filepath.Join(dir, "kept"), "hint: the backup is kept, without them"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	says(t, append(env, "ASSAY_STORE=sqlite:"+backup), exitOK, "log", "show", "0")
}

// Real runs are killed (kill -9) at random moments while they keep notebooks:
// what is kept is whole, and the store has nothing to complain about.
func TestFaultBlobsKilled(t *testing.T) {
	testenv.Prefix(t, "main")
	dir := t.TempDir()
	home := keepingHome(t, filepath.Join(dir, "kept"))
	env := []string{"HOME=" + home}
	in := notebook(t, "print('x' * 1_000_000)")
	const kills = 6
	for i := range kills {
		p := startAssayWith(t, env, "run", in, filepath.Join(dir, fmt.Sprintf("out%d.ipynb", i)), "--json")
		p.await(t, "run.started")
		timer := time.AfterFunc(time.Duration(rand.IntN(900))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		_, _ = io.Copy(io.Discard, p.stdout)
		_ = p.cmd.Wait()
		timer.Stop()
	}
	says(t, env, exitOK, "run", in, filepath.Join(dir, "last.ipynb")) // and those before are entered
	found, _ := says(t, env, exitOK, "store", "check")
	for i := range kills + 1 {
		says(t, env, exitOK, "log", "erase", fmt.Sprint(i), "--all", "--reason", "test")
	}
	left := 0
	err := filepath.WalkDir(filepath.Join(dir, "kept"), func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left++
			t.Errorf("left after everything was erased: %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	says(t, env, exitOK, "store", "check")
	t.Logf("fault: %-60s | tries %d | lost %d | doubled %d | false %d | %s", "kill -9 of runs that keep their notebooks", kills, left, 0, 0, strings.TrimSpace(found))
}
