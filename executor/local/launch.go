package local

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// launch is all that is decided about a kernel's process before it starts.
type launch struct {
	spec      Spec
	dir       *runDir
	transport string // "ipc" or "tcp"
	ports     [5]int // shell, iopub, stdin, control, heartbeat
	ip        string
	key       string
	argv      []string
	env       []string
}

// The places of the channels in launch.ports.
const (
	shellPort = iota
	iopubPort
	stdinPort
	controlPort
	heartbeatPort
)

func newLaunch(c catalogue, spec Spec, o *Options) (*launch, error) {
	l := &launch{spec: spec, key: randomHex(32), transport: o.Transport}
	var err error
	if l.dir, err = newRunDir(c.env); err != nil {
		return nil, err
	}
	if l.transport == "" {
		l.transport = defaultTransport(spec.Argv, l.dir.path)
	}
	file := filepath.Join(l.dir.path, "kernel.json")
	if err := l.address(); err != nil {
		l.dir.remove()
		return nil, err
	}
	if err := os.WriteFile(file, l.connectionFile(), 0o600); err != nil {
		l.dir.remove()
		return nil, err
	}
	l.argv = c.argv(spec, file)
	if !o.Untrimmed {
		l.argv = trim(l.argv)
	}
	l.env = c.kernelEnv(spec, l.dir.id, o)
	return l, nil
}

// onSockets are words in the argv of kernels that are known to speak over Unix
// sockets. Others may end at once (deno) or never answer (tslab). Xeus could,
// and is left out: it drops what its socket does not take, and TCP's buffers
// take more (of 20,000 flushed prints on two busy cores it lost 1,700 to 5,900
// over a Unix socket, 0 to 530 over TCP).
var onSockets = regexp.MustCompile(`ipykernel|IRkernel|bash_kernel|metakernel`)

func defaultTransport(argv []string, dir string) string {
	if socketFits(dir) && onSockets.MatchString(strings.Join(argv, " ")) {
		return "ipc"
	}
	return "tcp"
}

// address chooses where the kernel binds.
func (l *launch) address() error {
	if l.transport == "ipc" {
		l.ip, l.ports = filepath.Join(l.dir.path, "k"), [5]int{1, 2, 3, 4, 5}
		return nil
	}
	// All five are held at once, so they differ. Between our close and the
	// kernel's bind another program can take one: the kernel ends then, and
	// Start tries again.
	l.ip = "127.0.0.1"
	for i := range l.ports {
		held, err := holdPort(l.ip)
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		defer held.Close()
		l.ports[i] = held.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// holdPort listens on a free port below those that systems give to outgoing
// connections: there nobody takes it by chance, our own dialling included,
// which would end up connected to itself.
func holdPort(ip string) (net.Listener, error) {
	for range 50 {
		if l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", ip, 15000+rand.IntN(17000))); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp4", ip+":0")
}

func (l *launch) connectionFile() []byte {
	b, _ := json.Marshal(map[string]any{ // strings and numbers alone: it cannot fail
		"transport": l.transport, "ip": l.ip, "key": l.key, "signature_scheme": "hmac-sha256",
		"shell_port": l.ports[shellPort], "iopub_port": l.ports[iopubPort], "stdin_port": l.ports[stdinPort],
		"control_port": l.ports[controlPort], "hb_port": l.ports[heartbeatPort],
		"kernel_name": l.spec.Name,
	})
	return b
}

// dialAddress is where the socket of a channel is reached.
func (l *launch) dialAddress(channel int) (network, address string) {
	if l.transport == "ipc" {
		return "unix", fmt.Sprintf("%s-%d", l.ip, l.ports[channel])
	}
	return "tcp4", fmt.Sprintf("%s:%d", l.ip, l.ports[channel])
}

var (
	placeholder = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)
	pythonName  = regexp.MustCompile(`^python(3(\.\d+)?)?(\.exe)?$`)
)

// argv fills in a kernelspec's command line.
func (c catalogue) argv(spec Spec, connectionFile string) []string {
	prefix := c.prefixOf(spec)
	known := map[string]string{"connection_file": connectionFile, "resource_dir": spec.Dir, "prefix": prefix}
	argv := make([]string, len(spec.Argv))
	for i, arg := range spec.Argv {
		argv[i] = placeholder.ReplaceAllStringFunc(arg, func(m string) string {
			if v, ok := known[m[1:len(m)-1]]; ok {
				return v
			}
			return m
		})
	}
	argv[0] = c.program(expandHome(argv[0], c.env), prefix)
	return argv
}

// prefixOf is the Python prefix that a kernelspec belongs to: the one it lies
// in, when there is a Python in it, else that of the Python we found.
func (c catalogue) prefixOf(spec Spec) string {
	dir := filepath.ToSlash(spec.Dir)
	if i := strings.LastIndex(dir, "/share/jupyter/kernels/"); i > 0 {
		prefix := filepath.FromSlash(dir[:i])
		if slices.ContainsFunc(pythonNames(), func(n string) bool { return executable(filepath.Join(prefix, n)) }) {
			return prefix
		}
	}
	if c.python != nil {
		return c.python.Prefix
	}
	return ""
}

// program is the path of a kernel's program. A bare python, python3 or
// python3.N means the one that the kernelspec belongs to, as jupyter_client
// takes it to be its own: kernelspecs are written like that by packages that
// do not know where they will be installed.
func (c catalogue) program(name, prefix string) string {
	if !pythonName.MatchString(name) {
		if p := lookPath(name, c.env); p != "" && !strings.ContainsAny(name, `/\`) {
			return p
		}
		return name
	}
	if prefix != "" {
		for _, n := range append([]string{filepath.Join(filepath.Dir(pythonNames()[0]), name)}, pythonNames()...) {
			if p := filepath.Join(prefix, n); executable(p) {
				return p
			}
		}
	}
	if c.python != nil {
		return c.python.Exe
	}
	if p := lookPath(name, c.env); p != "" {
		return p
	}
	return name
}

// trimmed are the options of ipykernel that a batch run does without: the
// history shared with other sessions, and a pause after each cell that lets
// output catch up, which waiting for idle does already.
var trimmed = []string{"--HistoryManager.enabled=False", "--IPythonKernel._execute_sleep=0"}

// trim adds them where argv runs ipykernel itself.
func trim(argv []string) []string {
	if !isIPykernel(argv) {
		return argv
	}
	return append(slices.Clip(argv), trimmed...)
}

func isIPykernel(argv []string) bool {
	for i, a := range argv[:len(argv)-1] {
		if a == "-m" && (argv[i+1] == "ipykernel_launcher" || argv[i+1] == "ipykernel") {
			return true
		}
	}
	return false
}

// kernelEnv is the environment of the kernel's process.
func (c catalogue) kernelEnv(spec Spec, id string, o *Options) []string {
	env := make(environ, len(c.env)+len(spec.Env)+3)
	for k, v := range c.env {
		env[k] = v
	}
	for k, v := range spec.Env {
		env[k] = substitute(v, c.env)
	}
	if spec.Language == "python" {
		delete(env, "PYTHONEXECUTABLE")
	}
	if len(o.PythonPath) > 0 {
		path := slices.Clone(o.PythonPath)
		if old := env["PYTHONPATH"]; old != "" {
			path = append(path, old)
		}
		env["PYTHONPATH"] = strings.Join(path, string(filepath.ListSeparator))
	}
	env["JPY_PARENT_PID"] = fmt.Sprint(os.Getpid())
	env[markName] = id
	return env.list()
}
