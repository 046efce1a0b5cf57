package executor_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"assay/executor"
	"assay/executor/local"
)

// The loads of the project's bench table, against a running kernel. The whole
// is the kernel's own time plus what Run adds to it.

func benchmark(b *testing.B, o *executor.Options, sources ...string) {
	k := startPython(b, "main", func(*local.Options) {})
	executor.Run(b.Context(), k, code("1"), nil, newRecord())
	for b.Loop() {
		s := newRecord()
		res := executor.Run(b.Context(), k, code(sources...), o, s)
		if res.State != executor.RunSucceeded || !res.CompletenessProvable {
			b.Fatalf("%s: %s", res.State, res.Note)
		}
	}
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmHWM") {
				b.Log(strings.TrimSpace(line))
			}
		}
	}
}

// BenchmarkBareLoop is the floor of BenchmarkTrivialCells: send, and read to
// reply and idle.
func BenchmarkBareLoop(b *testing.B) {
	k := startPython(b, "main", func(*local.Options) {})
	executor.Run(b.Context(), k, code("1"), nil, newRecord())
	n := 0
	for b.Loop() {
		for range 1000 {
			n++
			id := fmt.Sprint("bare", n)
			err := k.Send(b.Context(), executor.Message{
				Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "execute_request"}, Metadata: []byte("{}"),
				Content: []byte(`{"code":"x = 1","silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":true}`),
			})
			for reply, idle := false, false; err == nil && !(reply && idle); {
				var m executor.Message
				m, err = k.Next(b.Context())
				reply = reply || m.Parent.MsgID == id && m.Channel == executor.Shell
				idle = idle || m.Parent.MsgID == id && bytes.Contains(m.Content, []byte("idle"))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkTrivialCells(b *testing.B) {
	benchmark(b, nil, strings.Split(strings.Repeat("x = 1;", 1000), ";")[:1000]...)
}

func BenchmarkFlushedPrints(b *testing.B) {
	benchmark(b, nil, "for i in range(20000): print(i, flush=True)")
}

func Benchmark50MB(b *testing.B) {
	benchmark(b, nil, "for i in range(100000): print('x' * 499)")
}
