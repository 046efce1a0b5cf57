//go:build unix

package local

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"
)

// hostilePrefix is an installation of Python whose files a test may spoil.
func hostilePrefix(t *testing.T) (exe, site string) {
	t.Helper()
	prefix := t.TempDir()
	exe, site = filepath.Join(prefix, "bin", "python3.11"), filepath.Join(prefix, "lib", "python3.11", "site-packages")
	put(t, exe, "\x7fELF")
	if err := os.Chmod(exe, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(prefix, "lib", "python3.11", "os.py"), "")
	putPackage(t, filepath.Join(site, "good-1.dist-info", "METADATA"), "good", "1")
	return exe, site
}

// readSoon reads an environment, which may not hang.
func readSoon(t *testing.T, most limits, exe string, env environ) executor.Environment {
	t.Helper()
	type answer struct {
		e   executor.Environment
		err error
	}
	done := make(chan answer, 1)
	cwd := t.TempDir()
	go func() {
		e, err := readWithin(most, []string{exe, "-m", "ipykernel_launcher"}, env, cwd, "python")
		done <- answer{e, err}
	}()
	select {
	case a := <-done:
		if a.err != nil {
			t.Fatal(a.err)
		}
		return a.e
	case <-time.After(patience):
		t.Fatal("it hangs")
	}
	return executor.Environment{}
}

// Files that are no files, that never end or that lie. What is good is still
// found, and what is not is told.
func TestEnvironmentHostile(t *testing.T) {
	t.Parallel()
	pipe := func(t *testing.T, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0) // a writer that never writes
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
	}
	link := func(t *testing.T, to, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	metadata := func(name string) string { return filepath.Join(name+"-1.dist-info", "METADATA") }
	long := strings.Repeat("x", 10_000)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, site string)
		gap   string
		more  []executor.Package // found beside good
	}{
		"pipe":           {func(t *testing.T, site string) { pipe(t, filepath.Join(site, metadata("pipe"))) }, "no name or version", []executor.Package{{Name: "pipe", Version: "1"}}},
		"pipe as folder": {func(t *testing.T, site string) { pipe(t, filepath.Join(site, "p-1.dist-info")) }, "no name or version", []executor.Package{{Name: "p", Version: "1"}}},
		"device":         {func(t *testing.T, site string) { link(t, "/dev/zero", filepath.Join(site, metadata("zero"))) }, "no name or version", []executor.Package{{Name: "zero", Version: "1"}}},
		"loop":           {func(t *testing.T, site string) { link(t, "loop-1.dist-info", filepath.Join(site, "loop-1.dist-info")) }, "no name or version", []executor.Package{{Name: "loop", Version: "1"}}},
		"endless": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("big")), "")
			if err := os.Truncate(filepath.Join(site, metadata("big")), 1<<40); err != nil {
				testenv.Missing(t, "a file system with sparse files: "+err.Error())
			}
		}, "no name or version", []executor.Package{{Name: "big", Version: "1"}}},
		"empty":          {func(t *testing.T, site string) { put(t, filepath.Join(site, metadata("empty")), "") }, "no name or version", []executor.Package{{Name: "empty", Version: "1"}}},
		"no name at all": {func(t *testing.T, site string) { put(t, filepath.Join(site, ".dist-info", "METADATA"), "") }, "names no package", nil},
		"control characters": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("c")), "Name: a\x1b[31mred\x07\nVersion: 1\n\n")
		}, "names no package", nil},
		"text from right to left": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("c")), "Name: a\u202eb\nVersion: 1\n\n")
		}, "names no package", nil},
		"no UTF-8": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("c")), "Name: a\xff\nVersion: 1\n\n")
		}, "names no package", nil},
		"long name": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("c")), "Name: "+long+"\nVersion: 1\n\n")
		}, "names no package", nil},
		"long version": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, metadata("c")), "Name: c\nVersion: "+long+"\n\n")
		}, "names no package", nil},
		"folder name with an escape": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "x\x1b]0;y\x07-1.dist-info", "METADATA"), "")
		}, "names no package", nil},
		"origin that is none": {func(t *testing.T, site string) {
			putPackage(t, filepath.Join(site, metadata("o")), "o", "1")
			put(t, filepath.Join(site, "o-1.dist-info", "direct_url.json"), strings.Repeat("[", 60_000))
		}, "direct_url.json cannot be read", []executor.Package{{Name: "o", Version: "1"}}},
		"origin with an escape": {func(t *testing.T, site string) {
			putPackage(t, filepath.Join(site, metadata("o")), "o", "1")
			put(t, filepath.Join(site, "o-1.dist-info", "direct_url.json"), `{"url": "https://x/", "vcs_info": {"vcs": "git\u001b", "commit_id": "1"}}`)
		}, "direct_url.json cannot be read", []executor.Package{{Name: "o", Version: "1"}}},
		"path file to itself": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "a.pth"), ".\n"+site+"\n./\n/../../../../..\n")
		}, "", nil},
		"path file to a pipe": {func(t *testing.T, site string) {
			pipe(t, filepath.Join(site, "pipe"))
			put(t, filepath.Join(site, "a.pth"), "pipe\n")
		}, "is no folder", nil},
		"path file that is a pipe": {func(t *testing.T, site string) { pipe(t, filepath.Join(site, "a.pth")) }, "a.pth cannot be read", nil},
		"path file without end": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "a.pth"), strings.Repeat("nowhere\n", 100_000))
		}, "folders: the rest is left out", nil},
		"path file that computes": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "a.pth"), "import sys; sys.path.append('/x')\n")
		}, "was not run", nil},
		"path file with a zero": {func(t *testing.T, site string) { put(t, filepath.Join(site, "a.pth"), "x\x00y\n/etc\n") }, "", nil},
		"hidden path file":      {func(t *testing.T, site string) { put(t, filepath.Join(site, ".a.pth"), "/etc\n") }, "patch release", nil},
		"archive on the path": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "old.egg"), "PK")
			put(t, filepath.Join(site, "a.pth"), "old.egg\n")
		}, "archives are not read", nil},
		"library that is a pipe": {func(t *testing.T, site string) {
			pipe(t, filepath.Join(site, "..", "..", "libpython3.11.so.1.0"))
		}, "", nil},
		"conda-meta that is a pipe": {func(t *testing.T, site string) { pipe(t, filepath.Join(site, "..", "..", "..", "conda-meta")) }, "", nil},
		"header that lies": {func(t *testing.T, site string) {
			put(t, filepath.Join(site, "..", "..", "..", "include", "python3.11", "patchlevel.h"), "#define PY_VERSION \"3.11\x1b; rm\"\n")
		}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exe, site := hostilePrefix(t)
			c.spoil(t, site)
			got := readSoon(t, usualLimits(), exe, environ{"HOME": site})
			want := append([]executor.Package{{Name: "good", Version: "1"}}, c.more...)
			slices.SortFunc(want, executor.ComparePackages)
			if !slices.Equal(got.Packages, want) {
				t.Errorf("packages %+v, want %+v", got.Packages, want)
			}
			gaps := strings.Join(got.Gaps, "\n")
			if (c.gap == "") != (gaps == "") || !strings.Contains(gaps, c.gap) || len(gaps) > 4000 {
				t.Errorf("gaps %q, want %q", got.Gaps, c.gap)
			}
			for _, g := range got.Gaps {
				if strings.ContainsAny(g, "\x1b\x07\n") {
					t.Errorf("a gap carries an escape: %q", g)
				}
			}
			if got.Version != "3.11" {
				t.Errorf("version %q", got.Version)
			}
		})
	}
}

// A pyvenv.cfg that is a pipe stops the search, and does not stop us.
func TestEnvironmentPipeAsConfig(t *testing.T) {
	t.Parallel()
	exe, _ := hostilePrefix(t)
	if err := syscall.Mkfifo(filepath.Join(filepath.Dir(filepath.Dir(exe)), "pyvenv.cfg"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := readSoon(t, usualLimits(), exe, environ{}); len(got.Packages) != 0 || len(got.Gaps) != 1 {
		t.Errorf("%+v", got)
	}
}

// Each limit cuts, and says so.
func TestEnvironmentLimits(t *testing.T) {
	t.Parallel()
	exe, site := hostilePrefix(t)
	var path []string
	for i := range 30 {
		putPackage(t, filepath.Join(site, fmt.Sprintf("p%02d-1.dist-info", i), "METADATA"), fmt.Sprintf("p%02d", i), "1")
		path = append(path, t.TempDir())
	}
	env := environ{"HOME": site, "PYTHONPATH": strings.Join(path, ":")}
	for name, c := range map[string]struct {
		most limits
		gap  string
		max  int
	}{
		"packages": {limits{entries: 1000, packages: 10, folders: 100}, "more than 10 packages", 10},
		"entries":  {limits{entries: 10, packages: 1000, folders: 100}, "more than 10 entries", 10},
		"folders":  {limits{entries: 1000, packages: 1000, folders: 10}, "more than 10 folders", 0},
	} {
		got := readSoon(t, c.most, exe, env)
		if len(got.Packages) != c.max || !strings.Contains(strings.Join(got.Gaps, "\n"), c.gap) {
			t.Errorf("%s: %d packages, gaps %q", name, len(got.Packages), got.Gaps)
		}
	}
	for i := range 200 {
		put(t, filepath.Join(site, fmt.Sprintf("~b%03d-1.dist-info", i), "METADATA"), "")
	}
	got := readSoon(t, usualLimits(), exe, environ{"HOME": site})
	if len(got.Gaps) != maxGaps+1 || !slices.Contains(got.Gaps, "150 more like these") || len(got.Packages) != 31 {
		t.Errorf("%d gaps, the last %q, %d packages", len(got.Gaps), got.Gaps[len(got.Gaps)-1], len(got.Packages))
	}
}

// The parsers of metadata take any bytes, and what they give can be shown.
func FuzzEnvironmentMetadata(f *testing.F) {
	for _, seed := range []string{
		"Metadata-Version: 2.1\nName: a\nVersion: 1\n\nbody", "\xef\xbb\xbfName: a\r\nVERSION:1\r\n\r\n", "Name:\n\tcontinued\n",
		`{"url": "https://u:p@h/r?q#f", "vcs_info": {"vcs": "git", "commit_id": "1"}}`, `{"url": "file:///x", "dir_info": {"editable": true}}`,
		`{"url": "https://h/x.whl", "archive_info": {"hashes": {"sha256": "00"}}}`, "# c\n/x\nimport sys; sys.path\n\x00\n",
		"R_LIBS=${A:-${B-'%U'}}:%S\nX=${\nY=}${}\n", "#define PY_VERSION \"3.1\"\n", "numpy-1.0-py3.json", "${${${${a}}}}=",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, field := range []string{"Name", "Version"} {
			if v := header(data, field); strings.ContainsAny(v, "\n") {
				t.Errorf("%s is %q", field, v)
			}
		}
		if s, ok := parseOrigin(data); ok && !plain(s) {
			t.Errorf("origin %q", s)
		}
		dirs, _ := parsePathFile(data)
		for _, d := range dirs {
			if d == "" || strings.ContainsAny(d, "\x00\n") {
				t.Errorf("folder %q", d)
			}
		}
		vars := environ{"A": "a"}
		parseRenviron(data, vars)
		r := &environmentReader{env: vars, out: executor.Environment{Version: "4.2.2"}}
		for _, v := range vars {
			if len(v) > (len(data)+1)*(maxMetadata+len(data)+64) {
				t.Errorf("%d bytes of %d", len(v), len(data))
			}
			r.expandR(v, "/r", vars)
		}
		if v := patchLevel(data); v != "" && !isVersion(v) {
			t.Errorf("version %q", v)
		}
		if p, ok := condaPackage(string(data)); ok && (p.Name == "" || !plain(p.Name) || !plain(p.Version)) {
			t.Errorf("package %+v", p)
		}
		splitDistribution(string(data))
		pythonFlags(strings.Fields(string(data)))
		releaseOf(string(data))
	})
}
