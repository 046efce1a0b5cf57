package notebooks

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"-", "-", false},
		{"x", "-", false},
		{"x", "s3://b/k", false},
		{"builtin:tour", "builtin:tour", true},
		{"builtin:tour", "builtin:system-health", false},

		{"s3://b/k", "s3://b/k", true},
		{"s3://b/k", "S3://b/k", true},
		{"s3://b/k", "s3://b/k?endpoint=http://127.0.0.1:9000", true},
		{"s3://b/k?region=eu-west-1", "s3://b/k?use_path_style=true", true},
		{"s3://b/a/k", "s3://b/a/./k", true},
		{"s3://b/a/k", "s3://b//a/x/../k", true},
		{"s3://b/k", "s3://b/l", false},
		{"s3://b/k", "s3://b/K", false},
		{"s3://b/k", "s3://c/k", false},
		{"s3://b/k", "s3://B/k", false},
		{"s3://b/k", "gs://b/k", false},
		{"s3://b/k", "s3://b/k#1", false}, // # belongs to the key
		{"s3://b/a b", "s3://b/a%20b", false},
		{"gs://b/k", "GS://b/k?access=x", true},
		{"azblob://c/k", "azblob://c/k?domain=x", true},

		{"https://h/a.ipynb", "HTTPS://H/a.ipynb", true},
		{"https://h/a.ipynb", "https://h:443/a.ipynb", true},
		{"http://h/a.ipynb", "http://h:80/a.ipynb", true},
		{"http://[::1]/a.ipynb", "http://[::1]:80/a.ipynb", true},
		{"https://h/a.ipynb", "https://h/a.ipynb#cell-3", true},
		{"https://h/a.ipynb", "https://h/a.ipynb?", true},
		{"https://h/a.ipynb", "https://h/x/../a.ipynb", true},
		{"https://h/a.ipynb", "https://me:secret@h/a.ipynb", true},
		{"https://h/a b.ipynb", "https://h/a%20b.ipynb", true},
		{"https://h", "https://h/", true},
		{"https://h/a.ipynb?v=1", "https://h/a.ipynb?v=2", false},
		{"https://h/a.ipynb?v=1", "https://h/a.ipynb", false},
		{"https://h/a.ipynb", "https://h/A.ipynb", false},
		{"https://h/a.ipynb", "http://h/a.ipynb", false},
		{"https://h/a.ipynb", "https://h:80/a.ipynb", false},
		{"https://h/%zz", "https://h/%zz", true}, // no address at all is the same as itself
		{"https://h/%zz", "https://h/%zy", false},
	} {
		if got := Same(c.a, c.b); got != c.want {
			t.Errorf("Same(%q, %q) = %v", c.a, c.b, got)
		}
		if got := Same(c.b, c.a); got != c.want {
			t.Errorf("Same(%q, %q) = %v", c.b, c.a, got)
		}
	}
}

// TestSamePath has the files a and deep/er/b, the links folder -> deep/er,
// link -> a, dangling -> deep/er/new, relative -> ../new in deep, and a loop.
func TestSamePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join("deep", "er"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", filepath.Join("deep", "er", "b")} {
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"folder": "deep/er", "link": "a", "dangling": filepath.Join(dir, "deep", "er", "new"), "deep/relative": "../new", "loop": "loop",
	} {
		if err := os.Symlink(filepath.FromSlash(to), filepath.FromSlash(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true},
		{"a", "./a", true},
		{"a", dir + "/a", true},
		{"a", "link", true},
		{"a", "deep/er/b", false},
		{"deep/er/b", "folder/b", true},
		// What is not there yet.
		{"a", "new", false},
		{"new", "./new", true},
		{"new", dir + "/new", true},
		{"new", "older", false},
		{"deep/er/new", "folder/new", true},
		{"deep/er/new", dir + "/folder/./new", true},
		{"deep/new", "folder/../new", true}, // where the link leads, and up
		{"new", "folder/../new", false},
		{"folder/no/such/new", "deep/er/no/such/new", true},
		{"folder/no/new", "deep/no/new", false},
		{"dangling", "deep/er/new", true},
		{"dangling", "folder/new", true},
		{"dangling", "new", false},
		{"deep/relative", "new", true},
		{"deep/relative", "deep/new", false},
		{"loop", "loop", true},
		{"loop", "new", false},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := Same(filepath.FromSlash(pair[0]), filepath.FromSlash(pair[1])); got != c.want {
				t.Errorf("Same(%q, %q) = %v", pair[0], pair[1], got)
			}
		}
	}
}
