package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"assay/nbformat"
)

// git asks the git binary, which reads the repository as the user's own git does.
func git(args ...string) ([]byte, error) { return gitWith(nil, nil, args...) }

func gitWith(env []string, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Stdin = stdin
	if env != nil {
		cmd.Env = append(os.Environ(), env...)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var ended *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, &exitError{code: exitSurroundings, err: errors.New("git is not installed"), hint: "revisions are read by the git program: install it, or name two files"}
	case errors.As(err, &ended):
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimPrefix(first, "fatal: "))
	case err != nil:
		return nil, surroundings(fmt.Errorf("git %s: %w", args[0], err))
	}
	return out, nil
}

// splitRevisions tells revisions from paths as git does: what stands behind --
// is a path, and without -- the first argument that is no revision and a file.
func splitRevisions(args []string, dash int) (revs, paths []string, err error) {
	if dash >= 0 {
		revs, paths = args[:dash], args[dash:]
	} else {
		n := 0
		for n < len(args) && n < 2 && isRevision(args[n]) {
			if _, err := os.Lstat(args[n]); err == nil {
				return nil, nil, usage("put -- before paths, and ./ before a file that is no path of the repository", "%s is a file and a revision", args[n])
			}
			n++
		}
		revs, paths = args[:n], args[n:]
		for _, p := range paths {
			if _, err := os.Lstat(p); err != nil {
				return nil, nil, usage("put -- before paths that are gone", "%s is neither a file nor a revision", p)
			}
		}
	}
	for _, r := range revs {
		if !isRevision(r) {
			return nil, nil, usage("see: git log", "%s is no revision here", r)
		}
	}
	return revs, paths, nil
}

// isRevision asks git. A range like main..topic is one too.
func isRevision(name string) bool {
	if name == "" || strings.HasPrefix(name, "-") {
		return false
	}
	_, err := git("rev-parse", "--quiet", "--verify", name+"^{tree}")
	if err != nil && strings.Contains(name, "..") {
		_, err = git("rev-parse", "--quiet", "--revs-only", name)
	}
	return err == nil
}

// tracked is a notebook that changed between two trees, as git diff --raw names it.
type tracked struct {
	modeA, modeB string
	blobA, blobB string
	nameA, nameB string // from the repository's root on
	status       byte
}

// eachTracked compares the notebooks that git says changed.
func (f *diffFlags) eachTracked(revs, paths []string, do func(*notebookPair) error, failed func(error)) error {
	args := []string{"diff", "--raw", "-z", "--no-abbrev", "--find-renames", "--ignore-submodules", "--no-relative"}
	if f.cached {
		args = append(args, "--cached")
	}
	args = append(append(append(args, revs...), "--"), paths...)
	out, err := git(args...)
	if err != nil {
		return err
	}
	root, _ := git("rev-parse", "--show-toplevel") // a bare repository has none, and no file in it is needed
	for _, t := range parseRaw(out) {
		if filepath.Ext(t.nameA) != ".ipynb" && filepath.Ext(t.nameB) != ".ipynb" {
			continue
		}
		p, err := t.read(strings.TrimSuffix(string(root), "\n"))
		if err != nil {
			failed(err)
			continue
		}
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

// parseRaw reads git diff --raw -z: ":100644 100644 blob blob M", name, and of a rename the new name.
func parseRaw(out []byte) []tracked {
	var all []tracked
	fields := strings.Split(string(out), "\x00")
	for len(fields) >= 2 {
		head := strings.Fields(strings.TrimPrefix(fields[0], ":"))
		if len(head) != 5 {
			return all
		}
		t := tracked{modeA: head[0], modeB: head[1], blobA: head[2], blobB: head[3], status: head[4][0], nameA: fields[1], nameB: fields[1]}
		fields = fields[2:]
		if (t.status == 'R' || t.status == 'C') && len(fields) > 0 {
			t.nameB, fields = fields[0], fields[1:]
		}
		all = append(all, t)
	}
	return all
}

func (t *tracked) read(root string) (*notebookPair, error) {
	if t.status == 'U' {
		return nil, usage("resolve the conflict first", "%s: a merge left it in conflict", t.nameB)
	}
	p := &notebookPair{nameA: "a/" + t.nameA, nameB: "b/" + t.nameB, tracked: true}
	var err error
	if p.a, err = t.side(root, t.modeA, t.blobA, t.nameA); err != nil {
		return nil, err
	}
	if p.b, err = t.side(root, t.modeB, t.blobB, t.nameB); err != nil {
		return nil, err
	}
	switch t.status {
	case 'A':
		p.nameA = devNull
	case 'D':
		p.nameB = devNull
	}
	return p, nil
}

// side reads one side: a mode of zeros is a file that is not there, a name of
// zeros one that is only in the working tree.
func (t *tracked) side(root, mode, blob, name string) (*nbformat.Document, error) {
	var data []byte
	var err error
	switch {
	case strings.Trim(mode, "0") == "":
		return emptySide()
	case !strings.HasPrefix(mode, "100"):
		return nil, usage("", "%s is no file in one of the revisions, but a link or a submodule", name)
	case strings.Trim(blob, "0") != "":
		data, err = git("cat-file", "blob", blob)
	default:
		data, err = worktreeFile(root, name)
	}
	if err != nil {
		return nil, err
	}
	return parseSide(name, data)
}

// worktreeFile is a file of the working tree as git add would take it: where a
// filter is set for it, behind that filter. git itself runs it, and writes the
// blob to a folder that is taken away again.
func worktreeFile(root, name string) ([]byte, error) {
	file := filepath.Join(root, name)
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, usage("", "%s is no file", name)
	}
	attr, err := git("-C", root, "check-attr", "-z", "filter", "--", name)
	if fields := strings.Split(string(attr), "\x00"); err != nil || len(fields) < 3 || fields[2] == "unspecified" || fields[2] == "unset" {
		return readInput(file)
	}
	dir, err := os.MkdirTemp("", "assay-diff-")
	if err != nil {
		return nil, surroundings(err)
	}
	defer os.RemoveAll(dir)
	objects, err := git("-C", root, "rev-parse", "--git-path", "objects")
	if err != nil {
		return nil, err
	}
	at := strings.TrimSuffix(string(objects), "\n")
	if !filepath.IsAbs(at) {
		at = filepath.Join(root, at)
	}
	env := []string{"GIT_OBJECT_DIRECTORY=" + dir, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + at}
	data, err := os.Open(file)
	if err != nil {
		return nil, surroundings(err)
	}
	defer data.Close()
	blob, err := gitWith(env, data, "-C", root, "hash-object", "-w", "--stdin", "--path", name)
	if err != nil {
		return nil, err
	}
	return gitWith(env, nil, "-C", root, "cat-file", "blob", strings.TrimSpace(string(blob)))
}
