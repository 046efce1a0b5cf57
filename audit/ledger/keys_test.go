package ledger_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"assay/audit"
	"assay/audit/ledger"
	"assay/audit/ledger/storetest"

	"golang.org/x/mod/sumdb/note"
)

func newKey(t *testing.T) (*ledger.Key, string) {
	t.Helper()
	k, err := ledger.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return k, string(text)
}

// secretIn is the part of a PEM or note key that nobody may see.
func secretIn(text string) string {
	if b, _ := pem.Decode([]byte(text)); b != nil {
		lines := strings.Split(text, "\n")
		return lines[1][:min(20, len(lines[1]))]
	}
	return text[len(text)-20:]
}

func TestKeyTexts(t *testing.T) {
	t.Parallel()
	k, text := newKey(t)
	vkey, err := k.VKey("log.example/a")
	if err != nil {
		t.Fatal(err)
	}
	skey, nvkey, err := note.GenerateKey(rand.Reader, "log.example/a")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"PEM":                   {text, vkey},
		"with spaces around":    {"\n  " + text + "\n\n", vkey},
		"breaks written as \\n": {strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`), vkey},
		"a note key":            {skey + "\n", nvkey},
	} {
		got, err := ledger.ParseKey([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, err := got.VKey("log.example/a"); err != nil || v != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, v, c.want, err)
		}
	}
	for _, name := range []string{"", "two words", "a+b"} {
		if _, err := k.VKey(name); err == nil {
			t.Errorf("%q names a key", name)
		}
	}
}

// A key that OpenSSL made is read, and OpenSSL reads one of ours.
func TestKeyOpenSSL(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	text, err := exec.Command(openssl, "genpkey", "-algorithm", "ed25519").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ParseKey(text); err != nil {
		t.Error(err)
	}
	_, ours := newKey(t)
	cmd := exec.Command(openssl, "pkey", "-noout", "-check")
	cmd.Stdin = strings.NewReader(ours)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// badKeys are texts that are no key, though they hold the most of one.
func badKeys(t *testing.T) map[string]string {
	t.Helper()
	_, text := newKey(t)
	skey, _, err := note.GenerateKey(rand.Reader, "a")
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"cut":          text[:len(text)/2],
		"twice":        text + text,
		"another type": strings.ReplaceAll(text, "PRIVATE KEY", "SECRET KEY"),
		"bad base64":   strings.Replace(text, "M", "*", 1),
		"bare base64":  strings.Split(text, "\n")[1],
		"another kind": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"note, cut":    skey[:len(skey)-3],
		"note, name":   strings.Replace(skey, "+a+", "+b+", 1),
	}
}

// No error, and no way to print a key, shows any of it.
func TestKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	k, text := newKey(t)
	enc, err := json.Marshal(map[string]any{"key": k, "options": ledger.KeySource{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k), fmt.Sprintf("%+v", struct{ K *ledger.Key }{k}), string(enc)} {
		if strings.Contains(got, secretIn(text)) || strings.Contains(got, "[") || !strings.Contains(got, "(log key)") {
			t.Errorf("printed as %s", got)
		}
	}
	for name, bad := range badKeys(t) {
		h := newHome(t)
		if err := os.MkdirAll(filepath.Dir(h.key()), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.key(), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		byText := h.options()
		byText.Key = ledger.KeySource{Text: bad}
		_, perr := ledger.ParseKey([]byte(bad))
		_, ferr := ledger.Open(t.Context(), new(ledger.Memory), h.options())
		_, terr := ledger.Open(t.Context(), new(ledger.Memory), byText)
		for _, err := range []error{perr, ferr, terr} {
			if err == nil {
				t.Errorf("%s: taken as a key", name)
			} else if strings.Contains(err.Error(), secretIn(bad)) {
				t.Errorf("%s: the error shows the key: %v", name, err)
			}
		}
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	info, err := os.Stat(h.key())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key was made with mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(h.key()), ".*")); len(left) > 0 {
		t.Errorf("left beside the key: %v", left)
	}
	keys, err := ledger.ReadTrusted(h.trusted())
	if err != nil || len(keys) != 1 || keys[0].VKey != l.VKey() {
		t.Errorf("trusted keys: %+v, %v", keys, err)
	}
	enter(t, l, "a")
	checkpoint(t, l)
	if again := h.open(t, s); again.VKey() != l.VKey() {
		t.Error("another key the second time")
	}

	if runtime.GOOS != "windows" {
		for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o602} {
			if err := os.Chmod(h.key(), mode); err != nil {
				t.Fatal(err)
			}
			_, err := ledger.Open(t.Context(), s, h.options())
			wantIs(t, err, ledger.ErrKeyExposed)
			if !strings.Contains(err.Error(), h.key()) || !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("mode %v: %v", mode, err)
			}
		}
		if err := os.Chmod(h.key(), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// A log that was signed never gets a new key by chance.
	text, err := os.ReadFile(h.key())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(h.key()); err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Open(t.Context(), s, h.options())
	wantIs(t, err, ledger.ErrKeyMissing)
	if _, err := os.Stat(h.key()); err == nil {
		t.Error("a key was made for a log that has one")
	}
	_, other := newKey(t)
	if err := os.WriteFile(h.key(), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	o := h.options()
	o.Trusted = ""
	_, err = ledger.Open(t.Context(), s, o)
	wantIs(t, err, ledger.ErrWrongKey)
	if err := os.Remove(h.key()); err != nil {
		t.Fatal(err)
	}
	o = h.options()
	o.Key = ledger.KeySource{Text: string(text), File: h.key()}
	if l, err := ledger.Open(t.Context(), s, o); err != nil || l.VKey() != keys[0].VKey {
		t.Errorf("the key as a text: %v", err)
	}
}

// Many processes that start at once make one key, one name and one trusted line.
func TestManyStartAtOnce(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	var wg sync.WaitGroup
	vkeys := make([]string, 16)
	for i := range vkeys {
		wg.Go(func() {
			l, err := ledger.Open(t.Context(), s, h.options())
			if err != nil {
				t.Error(err)
				return
			}
			vkeys[i] = l.VKey()
			if _, err := l.Append(t.Context(), storetest.Run(l.Origin(), fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
			if _, err := l.Receipt(t.Context(), fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, v := range vkeys {
		if v != vkeys[0] {
			t.Errorf("two keys: %s, %s", v, vkeys[0])
		}
	}
	text, err := os.ReadFile(h.trusted())
	if err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("trusted keys: %s %v", text, err)
	}
	wantVerified(t, h.open(t, s))
}

func TestRotate(t *testing.T) {
	t.Parallel()
	h, s := newHome(t), new(ledger.Memory)
	l := h.open(t, s)
	stale := h.open(t, s)
	enter(t, l, "a")
	before, err := l.Receipt(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	oldKey, oldText := l.VKey(), readFile(t, h.key())
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if l.VKey() == oldKey || bytes.Equal(readFile(t, h.key()), oldText) {
		t.Fatal("the key is the old one")
	}
	if names, _ := os.ReadDir(filepath.Dir(h.key())); len(names) != 1 {
		t.Errorf("beside the new key: %v", names)
	}
	handover := checkpoint(t, l)
	enter(t, l, "b")
	after, err := l.Receipt(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	old, _ := ledger.ParseVKey(oldKey)
	next, _ := ledger.ParseVKey(l.VKey())
	for name, c := range map[string]struct {
		receipt  *audit.Receipt
		key      note.Verifier
		verifies bool
	}{
		"old receipt, old key": {before, old, true},
		"old receipt, new key": {before, next, false},
		"new receipt, old key": {after, old, false},
		"new receipt, new key": {after, next, true},
	} {
		if v := audit.Verify(c.receipt.Encode(), &audit.VerifyOptions{Keys: []note.Verifier{c.key}}); v.OK != c.verifies {
			t.Errorf("%s: %+v", name, v)
		}
	}
	for _, k := range []note.Verifier{old, next} {
		if _, _, err := audit.OpenCheckpoint(handover.Note, k); err != nil {
			t.Errorf("the checkpoint of the handover: %v", err)
		}
	}
	for _, r := range []*audit.Receipt{before, after} {
		if v := audit.Verify(r.Encode(), &audit.VerifyOptions{Keys: h.believed(t)}); !v.OK {
			t.Errorf("with the trusted keys: %+v", v.Problems)
		}
	}
	// Who has the old key in memory stops.
	_, err = stale.Checkpoint(t.Context())
	wantIs(t, err, ledger.ErrMoved)
	wantVerified(t, h.open(t, s))
	dir := filepath.Join(t.TempDir(), "export")
	if _, err := l.Export(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if v := audit.VerifyExport(os.DirFS(dir), &audit.VerifyOptions{Keys: []note.Verifier{next}}); !v.OK {
		t.Errorf("the export, by the new key alone: %+v", v.Problems)
	}
	// Again, and with a key given as a text.
	if err := l.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	o := h.options()
	o.Key = ledger.KeySource{Text: string(readFile(t, h.key()))}
	lt, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := lt.Rotate(t.Context(), nil); err == nil {
		t.Error("rotated to a key that nobody would have")
	}
	k, text := newKey(t)
	if err := lt.Rotate(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	o.Key.Text = text
	lt, err = ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	enter(t, lt, "c")
	checkpoint(t, lt)
	wantVerified(t, lt)
	if err := lt.Rotate(t.Context(), k); err == nil {
		t.Error("handed over to itself")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

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

func FuzzParseKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ledger.ParseKey(text)
		if err != nil {
			// What is said does not depend on the text, but for the kind of a key that is none of ours.
			if said := err.Error(); !strings.HasPrefix(said, "it is neither an Ed25519 private key") && !regexp.MustCompile(`^it is a [*\w.]+, and a log is signed with Ed25519`).MatchString(said) {
				t.Fatalf("the error shows the text: %v", err)
			}
			return
		}
		enc, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ledger.ParseKey(enc)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := k.VKey("x")
		if b, _ := again.VKey("x"); a != b {
			t.Fatal("written and read again it is another key")
		}
	})
}
