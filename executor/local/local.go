// Package local runs Jupyter kernels on this machine: it finds kernelspecs as
// jupyter_client does, starts their processes and speaks ZeroMQ to them.
//
// A kernel gets a private folder, readable by its user alone:
//
//	$XDG_RUNTIME_DIR/assay/<8 hex digits>/     or <temp>/assay-<uid>/…
//	    kernel.json    connection file: transport, key, ports
//	    k-1 … k-5      Unix sockets shell, iopub, stdin, control, heartbeat
//	    .lock          held while we live; a folder without a holder is swept
//
// Kernels that do not speak over Unix sockets get TCP ports on 127.0.0.1.
// Messages are ZMTP frames: a routing prefix, "<IDS|MSG>", HMAC-SHA256 in
// hexadecimal, header, parent header, metadata, content, buffers.
package local

import (
	"io"
	"time"
)

// Options of Start, Find, List and Doctor. The zero value starts the kernel
// "python3" of the Python that is found, in the current folder.
type Options struct {
	Kernel       string        // kernelspec name; empty: python3
	Cwd          string        // working directory of the kernel; empty: ours
	Env          []string      // its full environment; nil: os.Environ()
	Python       string        // prefix or interpreter whose kernels count; empty: VIRTUAL_ENV, CONDA_PREFIX, PATH
	PythonPath   []string      // put in front of the kernel's PYTHONPATH
	StartTimeout time.Duration // until the kernel is ready; 0: 60 s
	MemoryLimit  int64         // bytes of address space; 0: none; Linux only

	// Untrimmed starts ipykernel exactly as its kernelspec says: with the
	// history of earlier sessions, and the pause of a millisecond after each cell.
	Untrimmed bool

	// Transport is "ipc" or "tcp"; empty: Unix sockets for kernels that are
	// known to speak over them, else TCP.
	Transport string

	// Language is the notebook's; it counts when Kernel is Auto.
	Language string
	// DisplayName is the notebook's kernelspec.display_name; it counts when Kernel is Auto.
	DisplayName string

	Memory   int64     // bytes of messages kept in memory before the spill file; 0: 64 MiB
	SpillDir string    // folder of the spill file; empty: the temp folder
	Log      io.Writer // gets what the process writes to its own stdout and stderr; may be nil

	Launched func() // called whenever a process was started, long before it is ready; may be nil
}

func (o *Options) orDefault() *Options {
	if o == nil {
		return &Options{}
	}
	return o
}

// Kind says what stood in the way of a start.
type Kind string

// The kinds of StartError.
const (
	UnknownKernel Kind = "unknown_kernel" // no kernelspec of that name
	BrokenSpec    Kind = "broken_spec"    // the kernelspec cannot be used
	NoProgram     Kind = "no_program"     // the kernel's program is not there or cannot be run
	Exited        Kind = "exited"         // the process ended before it was ready
	NotReady      Kind = "not_ready"      // no answer in time
	NoRoom        Kind = "no_room"        // no folder, socket or port for it
)

// StartError says why a kernel did not start, and what to do about it.
type StartError struct {
	Kernel string // the name that was asked for
	Kind   Kind
	Reason string // a sentence for people
	Hint   string // a command to type or an option to change; may be empty
	Log    string // the end of the process's own stdout and stderr
	Err    error  // the cause below; may be nil
}

func (e *StartError) Error() string { return "start kernel: " + e.Reason }

func (e *StartError) Unwrap() error { return e.Err }
