package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"assay/audit"
	"assay/internal/durable"

	"golang.org/x/mod/sumdb/note"
)

// ErrTrustedExposed says that others may write the file of trusted keys, and
// with it decide what is believed.
var ErrTrustedExposed = errors.New("others on this machine may change the trusted keys")

// TrustedKey is one public key of the file: its verifier and its text.
type TrustedKey struct {
	note.Verifier
	VKey    string
	Witness bool // of a witness (C2SP tlog-cosignature), not of a log
}

// ParseVKey reads the public key of a log or of a witness, in its one spelling.
func ParseVKey(vkey string) (TrustedKey, error) {
	if w, err := audit.NewCosignatureVerifier(vkey); err == nil {
		return TrustedKey{w, vkey, true}, nil
	}
	v, err := audit.NewVerifier(vkey)
	if err != nil {
		return TrustedKey{}, fmt.Errorf("%.80q: %w", vkey, err)
	}
	return TrustedKey{v, vkey, false}, nil
}

// ParseTrusted reads a file of trusted keys: a public key a line, where # and
// all after it is a comment and empty lines are none. A key that stands twice
// counts once. The error names the line.
func ParseTrusted(text []byte) ([]TrustedKey, error) {
	var keys []TrustedKey
	n := 0
	for line := range bytes.Lines(text) {
		n++
		vkey := trustedVKey(string(line))
		if vkey == "" || slices.ContainsFunc(keys, func(k TrustedKey) bool { return k.VKey == vkey }) {
			continue
		}
		k, err := ParseVKey(vkey)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// trustedVKey is the key on a line, "" when it has none. No key holds a #.
func trustedVKey(line string) string {
	vkey, _, _ := strings.Cut(line, "#")
	return strings.TrimSpace(vkey)
}

// ReadTrusted reads the file of trusted keys at path; a missing file holds none.
func ReadTrusted(path string) ([]TrustedKey, error) {
	text, err := readTrusted(path)
	if err != nil {
		return nil, err
	}
	keys, err := ParseTrusted(text)
	if err != nil {
		return nil, fmt.Errorf("trusted keys %s: %w", path, err)
	}
	return keys, nil
}

func readTrusted(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 { // anybody may read it, and a group may be one person's
		return nil, fmt.Errorf("%w: %s has mode %04o; chmod o-w, and look at what is in it", ErrTrustedExposed, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("trusted keys: %w", err)
	}
	return text, nil
}

// Trust adds a public key, with a comment, to the file of trusted keys at path.
// A key that is there stays as it is. Many processes may add at once.
func Trust(path, vkey, comment string) error {
	if _, err := ParseVKey(vkey); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("trusted keys: %w", err)
	}
	for {
		text, err := readTrusted(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if trustedVKey(line) == vkey {
				return nil
			}
		}
		err = durable.WriteFileIf(path, trustedWith(text, vkey, comment), func(fs.FileInfo) error {
			if now, err := readTrusted(path); err != nil || !bytes.Equal(now, text) {
				return errors.Join(err, durable.ErrChanged)
			}
			return nil
		})
		if !errors.Is(err, durable.ErrChanged) {
			return err
		}
	}
}

func trustedWith(text []byte, vkey, comment string) func(io.Writer) error {
	out := bytes.Clone(text)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	out = append(out, vkey...)
	if comment != "" {
		out = append(out, "  # "+strings.Join(strings.Fields(comment), " ")...)
	}
	out = append(out, '\n')
	return func(w io.Writer) error { _, err := w.Write(out); return err }
}
