package notebooks

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

//go:embed builtin/*.ipynb
var shipped embed.FS

// Builtin is the shipped notebook of that name; the error lists the names
// there are. The bytes are the caller's.
func Builtin(name string) ([]byte, error) {
	data, err := shipped.ReadFile("builtin/" + name + ".ipynb")
	if err != nil || strings.ContainsAny(name, "/\\") {
		return nil, fmt.Errorf("no shipped notebook of this name, there are %s: %w", strings.Join(Builtins(), ", "), fs.ErrNotExist)
	}
	return data, nil
}

// Builtins are the names of the shipped notebooks, sorted.
func Builtins() []string {
	entries, _ := shipped.ReadDir("builtin") // of an embedded folder: it is there
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".ipynb"))
	}
	return names
}

type builtin string

func (b builtin) read(context.Context) (Bytes, error) {
	data, err := Builtin(string(b))
	return Bytes{Data: data}, err
}

func (b builtin) stat(context.Context) (Info, error) {
	data, err := Builtin(string(b))
	return Info{Size: int64(len(data))}, err
}

func (b builtin) write(context.Context, func(io.Writer) error, Condition) error {
	return fmt.Errorf("shipped notebooks are part of the program: %w", ErrReadOnly)
}
