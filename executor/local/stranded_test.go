package local

import (
	"context"
	"strings"
	"testing"
	"time"

	"assay/executor"
	"assay/executor/kerneltest"
	"assay/nbformat"
)

// The cell whose request is stranded runs, and runs once.
func TestStrandedRequest(t *testing.T) {
	t.Parallel()
	k := startKernel(t, "main", Options{})
	cells := []executor.Cell{
		{Index: 0, Type: "code", Source: kerneltest.Strand},
		{Index: 1, Type: "code", Source: "ran += 1\nprint('ran', ran)"},
		{Index: 2, Type: "code", Source: "print('in all', ran)"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := &told{}
	began := time.Now()
	r := executor.Run(ctx, k, cells, &executor.Options{}, s)
	took := time.Since(began)
	if r.State != executor.RunSucceeded {
		t.Fatalf("%+v, %+v", r, s.cells)
	}
	if got := s.text.String(); got != "ran 1\nin all 1\n" {
		t.Errorf("printed %q", got)
	}
	if took < 4*time.Second {
		t.Errorf("the run took %v: no request was stranded, the test shows nothing", took)
	}
	t.Logf("the run took %v", took)
}

// told is a Sink that keeps the text and how the cells ended.
type told struct {
	text  strings.Builder
	cells []executor.CellResult
}

func (s *told) CellStarted(int, time.Time) {}

func (s *told) Stream(_ int, _, text string) { s.text.WriteString(text) }

func (s *told) CellEnded(r executor.CellResult) { s.cells = append(s.cells, r) }

func (s *told) OutputsChanged(int, []nbformat.Output) {}
