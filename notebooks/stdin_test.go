package notebooks_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"assay/notebooks"
)

// A pipe that stays silent ends with the context.
func TestSilentStdin(t *testing.T) {
	t.Parallel()
	silent, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := notebooks.Read(ctx, "-", &notebooks.Options{Stdin: silent})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
