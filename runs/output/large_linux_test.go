package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/nbformat"
)

// TestLarge is the run of the issue: 2,000 cells of 100 KB in a process of its
// own, 1,000 opens by another one, and all bytes counted.
func TestLarge(t *testing.T) {
	binary, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	if raceDetector || testing.Short() {
		t.Run("small", func(t *testing.T) { large(t, os.Args[0], 60, 60, 30*time.Millisecond) })
	}
	if !testing.Short() {
		t.Run("whole", func(t *testing.T) { large(t, binary, 2000, 1000, 4*time.Millisecond) })
	}
}

func large(t *testing.T, binary string, cells, opens int, every time.Duration) {
	job := childJob{Path: filepath.Join(t.TempDir(), "out.ipynb"), Cells: cells, Size: 100_000, Every: every}
	cmd, lines, err := startChild(binary, job)
	if err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "start" {
		t.Fatalf("the child said %q", lines.Text())
	}
	saw, pace := startReader(t, binary, job.Path)
	last, step := "", job.Cells/opens
	for n := 0; lines.Scan(); n++ {
		last = lines.Text()
		if n%step == 0 { // an open for every so many cells, and one when all is over
			if _, err := pace.Write([]byte{'.'}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(pace.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	tried, versions, shown := saw()
	if tried < opens {
		t.Errorf("%d opens, not %d", tried, opens)
	}
	var wchar, journal, output, final int64
	var writes int
	if _, err := fmt.Sscan(strings.TrimPrefix(last, "end "), &wchar, &journal, &output, &final, &writes); err != nil {
		t.Fatalf("the child ended with %q: %v", last, err)
	}
	info, err := os.Stat(job.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != final {
		t.Errorf("the output has %d bytes, the writer says %d", info.Size(), final)
	}
	t.Logf("%d opens, %d versions of the output seen, all valid; %d written", tried, versions, writes)
	t.Logf("bytes written (wchar) %d = %.2f times the final %d; journal %d, output %d", wchar, float64(wchar)/float64(final), final, journal, output)
	if wchar > 3*final+rewriteFree {
		t.Errorf("%d bytes were written, more than three times the final size %d", wchar, final)
	}
	only(t, filepath.Dir(job.Path), "out.ipynb")
	if shown != job.Cells {
		t.Errorf("%d cells have an output at the end, not %d", shown, job.Cells)
	}
}

// startReader starts the process that opens the notebook for every byte that is
// written to pace. When pace is closed, result says what it saw.
func startReader(t *testing.T, binary, path string) (result func() (tried, versions, shown int), pace io.WriteCloser) {
	t.Helper()
	raw, err := json.Marshal(childJob{Path: path, Read: true})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if pace, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (tried, versions, shown int) {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("the reader: %v\n%s", err, stderr.Bytes())
		}
		if _, err := fmt.Sscan(stdout.String(), &tried, &versions, &shown); err != nil {
			t.Fatalf("the reader said %q", stdout.String())
		}
		return tried, versions, shown
	}, pace
}

// openValid opens the notebook as a reader does. A file that was not seen
// before must parse and be valid; one that was must not have been touched since.
func openValid(path string, seen map[uint64]string) (fresh *nbformat.Document, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	st := info.Sys().(*syscall.Stat_t)
	state := fmt.Sprint(st.Size, st.Mtim)
	if old, ok := seen[st.Ino]; ok && old == state {
		return nil, nil
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	d, err := nbformat.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("no notebook (%d bytes): %w", len(data), err)
	}
	if f := nbformat.Validate(d); f != nil {
		return nil, fmt.Errorf("not valid: %+v", f[0])
	}
	if after, err := f.Stat(); err != nil || after.Size() != info.Size() || !after.ModTime().Equal(info.ModTime()) {
		return nil, fmt.Errorf("the file was changed in place: %v", err)
	}
	seen[st.Ino] = state
	return d, nil
}

// reader opens the notebook for every byte on stdin, and once more at the end.
// It says how often that was, how many versions it saw and how many cells of
// the last one have an output.
func reader(path string) error {
	seen := map[uint64]string{}
	tried, versions, shown := 0, 0, 0
	in := bufio.NewReader(os.Stdin)
	for more := true; more; tried++ {
		_, err := in.ReadByte()
		more = err == nil
		d, err := openValid(path, seen)
		if err != nil {
			return fmt.Errorf("open %d: %w", tried, err)
		}
		if d == nil {
			continue
		}
		versions++
		shown = 0
		for _, c := range d.Cells() {
			shown += min(c.Outputs().Len(), 1)
		}
	}
	fmt.Println(tried, versions, shown)
	return nil
}
