package drivers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// attributesFile is the attributes file of a scope, absolute; named is one that
// the user named instead.
func (g Git) attributesFile(ctx context.Context, scope Scope, named string, all settings) (string, error) {
	switch {
	case named != "":
		return g.abs(named)
	case scope == Local:
		file, err := g.line(ctx, "rev-parse", "--git-path", "info/attributes")
		if err != nil {
			return "", err
		}
		return g.abs(file)
	case scope == System:
		return g.systemAttributes(ctx)
	}
	if all.in(Global).last("core.attributesfile").value != "" {
		return g.line(ctx, "config", "--global", "--includes", "--type=path", "--get", "core.attributesFile")
	}
	if all.in(System).last("core.attributesfile").value != "" { // git then does not look where it would without
		return g.line(ctx, "config", "--system", "--includes", "--type=path", "--get", "core.attributesFile")
	}
	if xdg := g.env("XDG_CONFIG_HOME"); xdg != "" {
		return filepath.Join(xdg, "git", "attributes"), nil
	}
	home := g.env("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(home, ".config", "git", "attributes"), nil
}

// systemAttributes is the file for all users of a machine. Git before 2.42 does
// not say where it is; that is beside the system's gitconfig.
func (g Git) systemAttributes(ctx context.Context) (string, error) {
	if file, err := g.line(ctx, "var", "GIT_ATTR_SYSTEM"); err == nil && file != "" {
		return file, nil
	}
	editor := Git{g.Dir, append(g.environ(), "GIT_EDITOR=echo")}
	file, err := editor.line(ctx, "config", "--system", "--edit")
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(file) {
		return "", errors.New("git does not say where the system's attributes are: name the file with --attributes")
	}
	return filepath.Join(filepath.Dir(file), "gitattributes"), nil
}

// treeAttributes is the .gitattributes at the top of the working tree, and
// whether it is in the index; ok is false without a working tree.
func (g Git) treeAttributes(ctx context.Context) (file string, tracked, ok bool) {
	top, err := g.line(ctx, "rev-parse", "--show-toplevel")
	if err != nil || top == "" {
		return "", false, false
	}
	_, err = Git{top, g.Env}.run(ctx, nil, "ls-files", "--error-unmatch", "--", ".gitattributes")
	return filepath.Join(filepath.FromSlash(top), ".gitattributes"), err == nil, true
}

func (g Git) abs(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	return filepath.Abs(filepath.Join(g.Dir, name))
}

func (g Git) environ() []string {
	if g.Env != nil {
		return g.Env[:len(g.Env):len(g.Env)]
	}
	return os.Environ()
}

// env is a variable of git's environment.
func (g Git) env(name string) string {
	value := ""
	for _, e := range g.environ() {
		if len(e) > len(name) && e[:len(name)] == name && e[len(name)] == '=' {
			value = e[len(name)+1:]
		}
	}
	return value
}
