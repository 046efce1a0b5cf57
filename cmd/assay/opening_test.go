package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"assay/internal/testenv"
)

// A database that takes the connection and says nothing holds nobody: two
// Ctrl-C end the run, whose kernel is started by then, and no output is made.
func TestSilentDatabase(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	asked := make(chan struct{})
	go func() {
		c, err := silent.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		close(asked)
		_, _ = c.Read(make([]byte, 1<<10))
		<-t.Context().Done()
	}()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.ipynb"), filepath.Join(dir, "out.ipynb")
	if err := exec.Command("mkfifo", in).Run(); err != nil {
		testenv.Missing(t, "mkfifo")
	}
	p := startAssayWith(t, []string{"ASSAY_STORE=postgres://assay@" + silent.Addr().String() + "/assay?sslmode=disable"},
		"run", in, out, "--python", testenv.Prefix(t, "main"))
	<-asked
	source, err := os.ReadFile(notebook(t, "print(1)"))
	if err == nil {
		err = os.WriteFile(in, source, 0) // waits until it is read: the run has begun
	}
	if err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGINT)
	p.awaitSaid(t, "cancelling")
	p.signal(t, syscall.SIGINT)
	if code := p.code(t); code != 130 {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("%s was made: %v", out, err)
	}
}
