package ledger_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"assay/audit/ledger"
	"assay/internal/testenv"

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
		testenv.Missing(t, "openssl")
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
