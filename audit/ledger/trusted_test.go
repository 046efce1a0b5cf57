package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"assay/audit/ledger"
)

func TestTrustedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config", "trusted")
	if keys, err := ledger.ReadTrusted(path); err != nil || len(keys) != 0 {
		t.Errorf("no file: %v, %v", keys, err)
	}
	var wg sync.WaitGroup
	var vkeys []string
	for i := range 12 {
		k, _ := newKey(t)
		v, err := k.VKey(fmt.Sprint("log", i%6))
		if err != nil {
			t.Fatal(err)
		}
		vkeys = append(vkeys, v)
		for range 2 {
			wg.Go(func() {
				if err := ledger.Trust(path, v, "of log\n# "+v); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	keys, err := ledger.ReadTrusted(path)
	if err != nil || len(keys) != len(vkeys) {
		t.Fatalf("%d keys of %d, %v", len(keys), len(vkeys), err)
	}
	text := "# mine\n\n" + vkeys[0] + " # a\r\n  " + vkeys[1] + "\n" + vkeys[0]
	keys, err = ledger.ParseTrusted([]byte(text))
	if err != nil || len(keys) != 2 || keys[1].VKey != vkeys[1] {
		t.Errorf("%+v, %v", keys, err)
	}
	_, err = ledger.ParseTrusted([]byte("# x\n" + vkeys[0] + "\n" + vkeys[1][:40] + "\n"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("a bad line: %v", err)
	}
	if err := ledger.Trust(path, "nonsense", ""); err == nil {
		t.Error("nonsense is trusted")
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ReadTrusted(path); !errors.Is(err, ledger.ErrTrustedExposed) {
		t.Errorf("a file that anybody may write: %v", err)
	}
}

func FuzzParseTrusted(f *testing.F) {
	f.Add([]byte("# a\nlog.example/a+00000000+AQ== # b\n"))
	f.Add([]byte("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ledger.ParseTrusted(text)
		for _, k := range keys {
			if again, err := ledger.ParseVKey(k.VKey); err != nil || again.KeyHash() != k.KeyHash() {
				t.Fatalf("%q is read in one way only: %v", k.VKey, err)
			}
		}
		if err != nil && len(keys) > 0 {
			t.Fatal("keys beside an error")
		}
	})
}
