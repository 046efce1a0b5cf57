package testenv

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// PostgresServer is a real PostgreSQL server on a folder and a Unix socket of
// its own. It is durable as installed: fsync is on.
type PostgresServer struct {
	dir   string // holds data/, the socket and the server's log
	bin   string
	owner string // who runs it: postgres refuses root
	next  atomic.Int64

	mu    sync.Mutex
	alive io.Closer     // closed: the server is to end
	ended chan struct{} // closed: it has ended
}

// shared is the server that the tests of one process share, started by the first that asks.
var shared struct {
	sync.Mutex
	server *PostgresServer
}

// Postgres gives the address of an empty database on a server that the whole
// test process shares, and which ends with it.
func Postgres(t testing.TB) string {
	t.Helper()
	shared.Lock()
	if shared.server == nil {
		s := newPostgres(t)
		s.Start(t)
		shared.server = s
	}
	s := shared.server
	shared.Unlock()
	return s.Database(t)
}

// NewPostgres starts a server that is the test's own, to be stopped and started.
func NewPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s := newPostgres(t)
	t.Cleanup(func() { s.Stop(t); _ = os.RemoveAll(s.dir) })
	s.Start(t)
	return s
}

func newPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s := &PostgresServer{bin: postgresBin(t)}
	var err error
	// Not t.TempDir: its path can be too long for a socket, and the shared server outlives the test.
	if s.dir, err = os.MkdirTemp("", "assay-pg-"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		s.owner = "nobody"
		u, err := user.Lookup(s.owner)
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(s.dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, "initdb", "-D", filepath.Join(s.dir, "data"), "-U", "assay", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	return s
}

// postgresBin is the folder of the newest installed server's programs, which Debian keeps out of the path.
func postgresBin(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		p, err := exec.LookPath("postgres")
		if err != nil {
			Missing(t, "PostgreSQL (Debian's package postgresql)")
		}
		found = []string{p}
	}
	return filepath.Dir(found[len(found)-1])
}

// command is a program of the server, run by its owner.
func (s *PostgresServer) command(name string, args ...string) *exec.Cmd {
	args = append([]string{filepath.Join(s.bin, name)}, args...)
	if s.owner != "" {
		args = append([]string{"setpriv", "--reuid=" + s.owner, "--regid=nogroup", "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.dir
	return cmd
}

func (s *PostgresServer) run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Start starts the server, unless it runs, and waits until it answers.
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive != nil {
		return
	}
	server := s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	// A shell holds the server and a pipe from us. When we end, however that
	// happens, the pipe closes, and the server and its folder go; a signal to our
	// whole group does not keep the shell from that.
	script := `trap "" TERM INT HUP; dir=$1; shift; "$@" >>"$dir/log" 2>&1 & pid=$!
read -r word; [ "$word" = kill ] && kill -QUIT $pid || kill -INT $pid; wait $pid; [ "$word" ] || rm -rf "$dir"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", s.dir}, server.Args...)...)
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.alive, s.ended = in, make(chan struct{})
	go func(ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.ended)
	s.await(t)
}

func (s *PostgresServer) await(t testing.TB) {
	t.Helper()
	deadline := time.After(3 * time.Minute)
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-s.ended:
			t.Fatalf("postgres ended: %s", s.log())
		case <-deadline:
			t.Fatalf("postgres does not answer: %s", s.log())
		case <-tick:
			if exec.Command(filepath.Join(s.bin, "pg_isready"), "-q", "-h", s.dir).Run() == nil {
				return
			}
		}
	}
}

func (s *PostgresServer) log() []byte {
	said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return bytes.TrimSpace(said)
}

// Stop ends the server in order: transactions are rolled back, connections closed.
func (s *PostgresServer) Stop(t testing.TB) { t.Helper(); s.end(t, "stop\n") }

// Kill ends the server at once, as a crash would; the next start recovers.
func (s *PostgresServer) Kill(t testing.TB) { t.Helper(); s.end(t, "kill\n") }

func (s *PostgresServer) end(t testing.TB, word string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive == nil {
		return
	}
	_, _ = io.WriteString(s.alive.(io.Writer), word)
	_ = s.alive.Close()
	s.alive = nil
	select {
	case <-s.ended:
	case <-time.After(3 * time.Minute):
		t.Fatalf("postgres does not end: %s", s.log())
	}
}

// Database gives the address of an empty database, which lasts as long as the
// server: to drop one takes longer than to make it.
func (s *PostgresServer) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.next.Add(1))
	s.run(t, "createdb", "-h", s.dir, "-U", "assay", name)
	return s.URL(name)
}

// URL is the address of a database on this server.
func (s *PostgresServer) URL(name string) string {
	return "postgres://assay@/" + name + "?host=" + s.dir
}

// Folder is where the server keeps its files.
func (s *PostgresServer) Folder() string { return filepath.Join(s.dir, "data") }
