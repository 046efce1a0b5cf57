package executor_test

import (
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

func BenchmarkTrivialCells(b *testing.B) {
	benchmark(b, nil, strings.Split(strings.Repeat("x = 1;", 1000), ";")[:1000]...)
}

func BenchmarkFlushedPrints(b *testing.B) {
	benchmark(b, nil, "for i in range(20000): print(i, flush=True)")
}

func Benchmark50MB(b *testing.B) {
	benchmark(b, nil, "for i in range(100000): print('x' * 499)")
}
