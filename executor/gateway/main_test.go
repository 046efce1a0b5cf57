package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"

	"github.com/google/uuid"
)

const token = "a-token-of-the-tests"

// gatewayProcess is a real server that the tests started.
type gatewayProcess struct {
	url    string
	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// patience is what everything that must succeed has: the machine may do much else.
const patience = 5 * time.Minute

// launch starts a server at an address that is its own and waits until it answers.
func launch(dir, address, program string, args []string, env ...string) (*gatewayProcess, error) {
	p := &gatewayProcess{url: "http://" + address, log: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "HOME="+dir, "JUPYTER_CONFIG_DIR="+dir, "JUPYTER_DATA_DIR="+dir, "JUPYTER_RUNTIME_DIR="+dir, "IPYTHONDIR="+dir)
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.WaitDelay = time.Second // a kernel that outlives its server holds the pipe
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	if err := p.await(); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

func (p *gatewayProcess) await() error {
	deadline := time.After(patience)
	for {
		req, _ := http.NewRequest(http.MethodGet, p.url+"/api", nil)
		req.Header.Set("Authorization", "token "+token)
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("server ended: %s", p.log)
		case <-deadline:
			return fmt.Errorf("server does not answer: %s", p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop lets the server end its kernels; kill does not.
func (p *gatewayProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		p.kill()
	}
}

func (p *gatewayProcess) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// shared holds the servers that many tests use, each started once.
var shared struct {
	dir string
	mu  sync.Mutex
	all map[string]*gatewayProcess
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "assay-gateway-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		shared.dir, shared.all = dir, map[string]*gatewayProcess{}
		defer func() {
			var wg sync.WaitGroup
			for _, p := range shared.all {
				wg.Go(p.stop)
			}
			wg.Wait()
			sweepProcesses(dir)
		}()
		return m.Run()
	}())
}

// sweepProcesses ends what a server that was killed left behind: kernels whose
// connection file is in our folder.
func sweepProcesses(dir string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		line, err := os.ReadFile(f)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err == nil && pid > 0 && pid != os.Getpid() && bytes.Contains(line, []byte(dir+"/")) {
			if left, err := os.FindProcess(pid); err == nil {
				_ = left.Kill()
			}
		}
	}
}

// servers are the real servers of the tests: environment, program, arguments.
var servers = map[string]struct {
	env, program string
	args         []string
}{
	"kernelgateway": {"main", "jupyter-kernelgateway", []string{
		"--KernelGatewayApp.ip=127.0.0.1", "--KernelGatewayApp.port=PORT", "--KernelGatewayApp.port_retries=0", "--KernelGatewayApp.auth_token=" + token,
		"--JupyterWebsocketPersonality.env_whitelist=MY_VARIABLE", "--JupyterWebsocketPersonality.env_whitelist=ASSAY_KERNELTEST", "--ZMQChannelsWebsocketConnection.limit_rate=False",
	}},
	"limited": {"main", "jupyter-kernelgateway", []string{
		"--KernelGatewayApp.ip=127.0.0.1", "--KernelGatewayApp.port=PORT", "--KernelGatewayApp.port_retries=0", "--KernelGatewayApp.auth_token=" + token,
		// On as it is by default, but low enough for a machine that is slow today.
		"--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=25", "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=100_000",
	}},
	"jupyterserver": {"main", "jupyter-server", []string{
		"--ServerApp.ip=127.0.0.1", "--ServerApp.port=PORT", "--ServerApp.port_retries=0", "--IdentityProvider.token=" + token, "--no-browser",
		"--allow-root", "--ZMQChannelsWebsocketConnection.limit_rate=False",
	}},
	"enterprise": {"eg", "jupyter-enterprisegateway", []string{
		"--EnterpriseGatewayApp.ip=127.0.0.1", "--EnterpriseGatewayApp.port=PORT", "--EnterpriseGatewayApp.port_retries=0", "--EnterpriseGatewayApp.auth_token=" + token,
	}},
}

// real returns the shared server called name, started when it is first asked for.
func real(t testing.TB, name string) *gatewayProcess {
	t.Helper()
	s := servers[name]
	program := testenv.Bin(t, s.env, s.program)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if p := shared.all[name]; p != nil {
		return p
	}
	p, err := launchServer(t, name, program)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	shared.all[name] = p
	return p
}

// own starts a server that this test alone has, to kill or to configure.
func own(t testing.TB, name string, more ...string) *gatewayProcess {
	t.Helper()
	p, err := launchServer(t, name, testenv.Bin(t, servers[name].env, servers[name].program), more...)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(p.stop)
	return p
}

func launchServer(t testing.TB, name, program string, more ...string) (*gatewayProcess, error) {
	t.Helper()
	dir, err := os.MkdirTemp(shared.dir, name)
	if err != nil {
		return nil, err
	}
	if err := moreKernelspecs(dir, filepath.Dir(program)); err != nil {
		return nil, err
	}
	address := testenv.Address(t)
	_, port, _ := net.SplitHostPort(address)
	var args []string
	for _, a := range servers[name].args {
		args = append(args, strings.Replace(a, "PORT", port, 1))
	}
	return launch(dir, address, program, append(args, more...), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
}

// moreKernelspecs writes those of the environment's kernels whose packages
// bring none, as their own installers do. dir is the server's data folder.
func moreKernelspecs(dir, bin string) error {
	for name, argv := range map[string][]string{
		"bash": {"python", "-m", "bash_kernel", "-f", "{connection_file}"},
		"deno": {"deno", "jupyter", "--kernel", "--conn", "{connection_file}"},
	} {
		argv[0] = filepath.Join(bin, argv[0])
		if _, err := os.Stat(filepath.Join(bin, "deno")); err != nil {
			return nil // another environment, with fewer kernels
		}
		spec, err := json.Marshal(map[string]any{"argv": argv, "display_name": name, "language": name})
		if err == nil {
			err = os.MkdirAll(filepath.Join(dir, "kernels", name), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "kernels", name, "kernel.json"), spec, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func options(p *gatewayProcess) *Options {
	return &Options{URL: p.url, Token: token, StartTimeout: patience, calm: patience, remove: patience}
}

// startKernel starts a kernel that the test closes at its end.
func startKernel(t testing.TB, o *Options) *Kernel {
	t.Helper()
	k, err := start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = k.Close(ctx)
	})
	return k
}

// ran is what a cell did, as far as it reached us.
type ran struct {
	stdout, stderr string
	results        []string // raw contents of execute_result and display_data
	buffers        [][]byte
	reply          executor.Message
	losses         []string
	messages       int
	gaps           int // holes in the counters of the messages
	withheld       int // messages in the place of what the server kept
	err            error
}

// run executes code and waits for its reply and its idle.
func run(t testing.TB, k executor.Kernel, code string) ran {
	t.Helper()
	return finish(t, k, send(t, k, code), nil)
}

func send(t testing.TB, k executor.Kernel, code string) string {
	t.Helper()
	id := uuid.NewString()
	m := silentRequest(id, code)
	m.Content = bytes.Replace(bytes.Replace(m.Content, []byte(`"silent":true`), []byte(`"silent":false`), 1),
		[]byte(`"store_history":false`), []byte(`"store_history":true`), 1)
	if err := k.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return id
}

// finish collects what belongs to the request id. each sees every message, if it is not nil.
func finish(t testing.TB, k executor.Kernel, id string, each func(executor.Message)) (r ran) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience) // some cells print 10,000 lines
	defer cancel()
	var stdout, stderr strings.Builder
	met := map[string]bool{}
	for idle := false; !idle || r.reply.Header.MsgID == ""; {
		m, err := k.Next(ctx)
		if err != nil {
			r.err = err
			break
		}
		if each != nil {
			each(m)
		}
		r.messages++
		if m.Header.Type == executor.LossNoticeType {
			r.losses = append(r.losses, field(m, "text"))
			continue
		}
		if m.Header.Type == withheldType {
			r.withheld++
		}
		if prefix := counters.note(m); prefix != "" {
			met[prefix] = true
		}
		if m.Parent.MsgID != id {
			continue
		}
		switch m.Header.Type {
		case "stream":
			if field(m, "name") == "stdout" {
				stdout.WriteString(field(m, "text"))
			} else {
				stderr.WriteString(field(m, "text"))
			}
		case "execute_result", "display_data":
			r.results = append(r.results, string(m.Content))
		case "comm_open", "comm_msg":
			r.buffers = append(r.buffers, m.Buffers...)
		case "execute_reply":
			r.reply = m
		case "status":
			idle = idle || state(m) == "idle"
		}
	}
	for prefix := range met {
		if counters.missing(prefix) > 0 && r.err == nil {
			roundTrip(ctx, t, k)
		}
		r.gaps += counters.missing(prefix)
	}
	r.stdout, r.stderr = stdout.String(), stderr.String()
	return r
}

// counters holds the numbers that every kernel process gave its messages.
// What arrives late, from the cell before, closes a gap.
var counters = seenCounters{seen: map[string]map[int]int{}}

type seenCounters struct {
	mu   sync.Mutex
	seen map[string]map[int]int
}

// roundTrip waits for an answer on both channels: what was sent before is there then.
func roundTrip(ctx context.Context, t testing.TB, k executor.Kernel) {
	t.Helper()
	answered := map[string]*fence{}
	for _, channel := range []executor.Channel{executor.Shell, executor.Control} {
		id := uuid.NewString()
		answered[id] = &fence{}
		if err := k.Send(ctx, executor.Message{Channel: channel, Header: executor.Header{MsgID: id, Type: "kernel_info_request"}}); err != nil {
			t.Error(err)
			return
		}
	}
	for len(answered) > 0 {
		m, err := k.Next(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		counters.note(m)
		if a := answered[m.Parent.MsgID]; a != nil {
			if a.note(m); a.done() {
				delete(answered, m.Parent.MsgID)
			}
		}
	}
}

// note takes the number of a message, and returns what stands before it.
func (c *seenCounters) note(m executor.Message) (prefix string) {
	i := strings.LastIndexByte(m.Header.MsgID, '_')
	if i <= 0 || m.Header.Type == executor.LossNoticeType {
		return ""
	}
	c.see(m.Header.MsgID[:i], m.Header.MsgID[i+1:])
	return m.Header.MsgID[:i]
}

func (c *seenCounters) see(prefix, number string) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[prefix] == nil {
		c.seen[prefix] = map[int]int{}
	}
	c.seen[prefix][n]++
}

func (c *seenCounters) missing(prefix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen[prefix]) == 0 {
		return 0
	}
	first, last, messages := 1<<62, 0, 0
	for n, times := range c.seen[prefix] {
		first, last, messages = min(first, n), max(last, n), messages+times // two threads may take one number, and leave one out
	}
	return max(0, last-first+1-messages)
}
