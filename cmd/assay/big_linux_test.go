package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// bigSize is about the largest notebook that somebody still has: images and logs, never cleared.
const bigSize = 500 << 20

// bigNotebook writes a notebook of cells with 1 MB of output each and returns its size.
func bigNotebook(t *testing.T, name string) int64 {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	line := `"` + strings.Repeat("x", 997) + `\n"`
	output := strings.TrimSuffix(strings.Repeat(line+",\n", 1000), ",\n")
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "{\n \"cells\": [\n")
	for i, n := 0, 0; n < bigSize; i++ {
		if i > 0 {
			fmt.Fprint(w, ",\n")
		}
		m, _ := fmt.Fprintf(w, "  {\"cell_type\": \"code\", \"execution_count\": 1, \"id\": \"c%d\", \"metadata\": {}, \"outputs\": [{\"name\": \"stdout\", \"output_type\": \"stream\", \"text\": [%s]}], \"source\": [\"x = 1\"]}", i, output)
		n += m
	}
	fmt.Fprint(w, "\n ],\n \"metadata\": {\"kernelspec\": {\"name\": \"python3\", \"display_name\": \"Python 3\", \"language\": \"python\"}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestBigNotebook measures the program as users get it. It runs alone, before
// what is parallel: a child's peak begins with what the process that starts it has.
func TestBigNotebook(t *testing.T) {
	if testing.Short() {
		t.Skip("only without -short: it takes 1 GB of disk and 1 GB of memory")
	}
	dir, program := t.TempDir(), plainAssay(t)
	in, out := filepath.Join(dir, "big.ipynb"), filepath.Join(dir, "out.ipynb")
	size := bigNotebook(t, in)
	for _, c := range []struct {
		args  []string
		says  string
		times float64 // the most memory, in sizes of the notebook
	}{
		{[]string{"check", in}, "1 valid", 2},
		{[]string{"inspect", in}, "cells", 2},
		{[]string{"run", in, out, "--prepare-only", "-p", "x", "2"}, "prepared", 2},
	} {
		cmd := exec.Command(program, c.args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "GOGC=", "GOMEMLIMIT=")
		said, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte(c.says)) {
			t.Errorf("%s: %v\n%s", c.args[0], err, said)
			continue
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			t.Fatal("no resource usage of the child")
		}
		took := float64(usage.Maxrss) * 1024 / float64(size)
		t.Logf("%s took %.1f times the size of the notebook in memory", c.args[0], took)
		if took > c.times {
			t.Errorf("%s took more than %.1f times the size", c.args[0], c.times)
		}
	}
	head := make([]byte, 512)
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Contains(head, []byte("x = 2")) {
		t.Errorf("the prepared notebook begins with %s, %v", head, err)
	}
	if info, err := f.Stat(); err != nil || info.Size() < size {
		t.Errorf("the prepared notebook has %v bytes of %d", info, size)
	}
}
