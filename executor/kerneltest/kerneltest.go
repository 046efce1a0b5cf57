// Package kerneltest is the conformance suite that every implementation of
// executor.Kernel must pass, with real kernels.
package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"assay/executor"
)

// Kernel is one real kernel of the test environment (internal/testenv) and
// what is known of it.
type Kernel struct {
	Name string // kernelspec name: python3, bash, xpython, deno, ir
	Env  string // Python environment of internal/testenv that holds it: main, old; "r" for IRkernel

	Language   string // language_info.name
	Counted    bool   // its message ids carry a counter
	Interrupts bool   // an interrupt ends its cell; false: it dies of it or ignores it
	Waits      bool   // its start is seconds of waiting for something else: the cases run side by side
	Late       bool   // what a cell printed may come after its idle: a task of its own sends it

	// Code for this kernel's language; empty where it cannot be had.
	Print     string // prints "hello" and a newline to stdout
	Fail      string // raises an error
	Hang      string // runs until it is stopped, and first prints "started" or makes the file {mark}
	Die       string // ends the kernel's process at once
	DieStatus int    // the exit status that this gives, 0 where it is a signal
	Big       string // format with one %d: prints that many times "x" in one message
	Prints    string // format with one %d: prints that many numbered lines "0", "1", ..., each flushed
}

// Kernels are the kernels of the test environment: ipykernel 7 and 6.31,
// bash_kernel, xeus-python, Deno and IRkernel.
func Kernels() []Kernel {
	python := Kernel{
		Name: "python3", Language: "python", Counted: true, Interrupts: true,
		Print: "print('hello')",
		Fail:  "raise ValueError('no')",
		Hang:  "import time\nprint('started', flush=True)\nwhile True: time.sleep(0.1)",
		Die:   "import os\nos._exit(3)", DieStatus: 3,
		Big:    "import sys; sys.stdout.write('x' * %d); sys.stdout.flush()",
		Prints: "for i in range(%d): print(i, flush=True)",
	}
	newest, old, xeus := python, python, python
	newest.Env, old.Env = "main", "old"
	xeus.Env, xeus.Name, xeus.Counted, xeus.Interrupts = "main", "xpython", false, false
	xeus.Prints = "" // it drops messages at full speed, its idle too, and nobody outside can prevent it
	return []Kernel{
		newest, old,
		{
			Name: "bash", Env: "main", Language: "bash", Counted: true, Interrupts: true, Waits: true,
			Print: "echo hello", Fail: "false",
			// One process makes the mark and hangs: an interrupt between two would find none.
			Hang: "sh -c 'touch \"{mark}\"; exec sleep 600'",
		},
		xeus,
		{
			Name: "deno", Env: "main", Language: "typescript", Late: true,
			Print: "console.log('hello')", Fail: "throw new Error('no')", Die: "Deno.exit(3)", DieStatus: 3,
			Hang: "console.log('started'); while (true) {}",
			// Big is left out: its PUB socket keeps back what the system's buffers
			// do not take at once, until its next message.
		},
		{
			Name: "ir", Env: "r", Language: "R", Interrupts: true,
			Print: "cat('hello\\n')", Fail: "stop('no')", Die: "tools::pskill(Sys.getpid(), 9L)", // quit() asks the front end to close it
			Hang:   "cat('started\\n'); flush.console(); while (TRUE) Sys.sleep(0.1)",
			Big:    "cat(strrep('x', %d))",
			Prints: "for (i in seq_len(%d)) cat(i - 1, '\\n', sep='')",
		},
	}
}

// Suite says how the implementation under test starts a kernel.
type Suite struct {
	// Start starts k with the extra environment variables env ("NAME=value")
	// and returns it ready. It skips the test where k is missing
	// (testenv.Missing). The suite closes the kernel.
	Start func(t testing.TB, k Kernel, env ...string) executor.Kernel

	// Kernels to test; nil: Kernels().
	Kernels []Kernel

	// Slow turns the long tests on: 100 MB messages, 20,000 prints on every kernel.
	Slow bool

	// Gone, when given, reports an error when something of a closed kernel is
	// left: its process, its files, its REST resource.
	Gone func(k executor.Kernel) error

	// Lossy says that the way to the kernel may drop messages that the kernel
	// sent; then only what can be proven is asked for.
	Lossy bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	kernels := s.Kernels
	if kernels == nil {
		kernels = Kernels()
	}
	for _, k := range kernels {
		t.Run(k.Env+"-"+k.Name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					if k.Waits {
						t.Parallel()
					}
					c.run(t, &s, k)
				})
			}
		})
	}
}

// limit bounds every single wait of the suite, on a machine that does much else.
const limit = 5 * time.Minute

var ids atomic.Int64

// request sends one message and returns its id.
func request(t testing.TB, k executor.Kernel, ch executor.Channel, typ, content string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	id := fmt.Sprintf("kerneltest_%d", ids.Add(1))
	err := k.Send(ctx, executor.Message{
		Channel: ch, Header: executor.Header{MsgID: id, Type: typ},
		Metadata: []byte("{}"), Content: []byte(content),
	})
	if err != nil {
		t.Fatalf("send %s: %v", typ, err)
	}
	return id
}

// next returns the next message, and fails the test when there is none in time.
func next(t testing.TB, k executor.Kernel) executor.Message {
	t.Helper()
	m, err := nextErr(k)
	if err != nil {
		t.Fatalf("next message: %v", err)
	}
	return m
}

func nextErr(k executor.Kernel) (executor.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return k.Next(ctx)
}

// exit reads until the kernel is gone.
func exit(t testing.TB, k executor.Kernel) *executor.ExitError {
	t.Helper()
	for {
		_, err := nextErr(k)
		var gone *executor.ExitError
		if errors.As(err, &gone) {
			return gone
		}
		if err != nil {
			t.Fatalf("waiting for the kernel's end: %v", err)
		}
	}
}
