package durable_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"assay/internal/durable"
)

// A pipe under /dev/fd, as /dev/stdout and a shell's >(command) are, is a link
// to a name that is no path: it is written through.
func TestPipeByName(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = durable.WriteFile(fmt.Sprintf("/dev/fd/%d", w.Fd()), func(w io.Writer) error {
		_, err := io.WriteString(w, "through")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "through" {
		t.Errorf("got %q, %v", got, err)
	}
}
