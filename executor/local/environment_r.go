package local

import (
	"bytes"
	"path/filepath"
	"runtime"
	"strings"

	"assay/executor"
)

// readR reads the libraries of R in the order of .libPaths(): R_LIBS,
// R_LIBS_USER, R_LIBS_SITE and R's own, each as the environment and the
// Renviron files have them.
func (r *environmentReader) readR(program string) {
	home := r.homeOfR(program)
	if home == "" {
		r.gap("the folder of R behind %s is not known", clip(program))
		return
	}
	r.out.Manager = "R"
	data, err := r.read(filepath.Join(home, "library", "base", "DESCRIPTION"), maxMetadata)
	if err == nil {
		r.out.Version = header(data, "Version")
	}
	if r.out.Version == "" || !isVersion(r.out.Version) {
		r.out.Version = ""
		r.gap("the version of R is not in %s", clip(filepath.Join(home, "library", "base", "DESCRIPTION")))
	}
	vars := r.renviron(home)
	for _, name := range []string{"R_LIBS", "R_LIBS_USER", "R_LIBS_SITE"} {
		for _, dir := range filepath.SplitList(vars[name]) {
			dir = r.expandR(dir, home, vars)
			if dir != "" && !filepath.IsAbs(dir) {
				dir = filepath.Join(r.cwd, dir)
			}
			if r.folder >= r.most.folders {
				r.gap("more than %d libraries: the rest is left out", r.most.folders)
				break
			}
			if dir != "" && dir != "NULL" {
				r.readLibrary(dir)
			}
		}
	}
	r.readLibrary(filepath.Join(home, "library"))
	r.profiles(home)
	r.readConda(filepath.Dir(filepath.Dir(home)))
}

// homeOfR is R_HOME, from the script that is R's front end, or from where the program lies.
func (r *environmentReader) homeOfR(program string) string {
	prefix := filepath.Dir(filepath.Dir(program))
	var homes []string
	if data, err := r.read(filepath.Join(filepath.Dir(program), "R"), maxMetadata); err == nil {
		for line := range bytes.Lines(data) {
			if dir, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("R_HOME_DIR=")); ok {
				homes = append(homes, string(bytes.Trim(dir, `"'`)))
				break
			}
		}
	}
	homes = append(homes, filepath.Join(prefix, "lib", "R"), filepath.Join(prefix, "lib64", "R"), prefixAbove(program))
	for _, h := range homes {
		if exists(filepath.Join(h, "library", "base", "DESCRIPTION")) {
			return h
		}
	}
	return ""
}

// readLibrary takes the packages of one folder of packages.
func (r *environmentReader) readLibrary(dir string) {
	r.folder++
	names, ok := r.names(dir, func(name string) bool { return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "00LOCK") })
	if !ok {
		return
	}
	for _, name := range names {
		path := filepath.Join(dir, name, "DESCRIPTION")
		if !exists(filepath.Join(dir, name, "Meta", "package.rds")) {
			continue // R does not count it either: translations, folders of sources
		}
		if !r.more() {
			return
		}
		data, err := r.read(path, maxMetadata)
		p := executor.Package{Name: name, Version: header(data, "Version")} // library() goes by the folder's name
		if err != nil || p.Version == "" || !plain(p.Name) || !plain(p.Version) {
			r.gap("%s has no version: left out", clip(path))
			continue
		}
		r.add(p)
	}
}

// renviron is the environment with what R's files of that name set, in R's
// order: its own, the site's, and the one of the folder or of the person.
func (r *environmentReader) renviron(home string) environ {
	vars := environ{}
	for k, v := range r.env {
		vars[k] = v
	}
	first := func(paths ...string) string {
		for _, p := range paths {
			if p != "" && exists(p) {
				return p
			}
		}
		return ""
	}
	for _, path := range []string{
		filepath.Join(home, "etc", "Renviron"),
		first(r.env["R_ENVIRON"], filepath.Join(home, "etc", "Renviron.site")),
		first(expandHome(r.env["R_ENVIRON_USER"], r.env), filepath.Join(r.cwd, ".Renviron"), filepath.Join(r.env.home(), ".Renviron")),
	} {
		if path == "" {
			continue
		}
		if data, err := r.read(path, maxMetadata); err == nil {
			parseRenviron(data, vars)
		}
	}
	return vars
}

// parseRenviron takes lines NAME=value; a value may hold ${NAME}, ${NAME-value}
// and ${NAME:-value}, nested, which is all that R knows.
func parseRenviron(data []byte, vars environ) {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		vars[strings.TrimSpace(name)] = strings.Trim(expandRenviron(strings.TrimSpace(value), vars, 0), `"'`)
	}
}

func expandRenviron(s string, vars environ, depth int) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		end := closing(s, i)
		if i < 0 || end < 0 || depth > 8 || b.Len() > maxMetadata {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		b.WriteString(renvironValue(s[i+2:end], vars, depth))
		s = s[end+1:]
	}
}

// closing is the place of the brace that ends the one at s[i:i+2], -1 without one.
func closing(s string, i int) int {
	if i < 0 {
		return -1
	}
	open := 0
	for j := i; j < len(s); j++ {
		switch {
		case s[j] == '{' && s[j-1] == '$':
			open++
		case s[j] == '}':
			if open--; open == 0 {
				return j
			}
		}
	}
	return -1
}

func renvironValue(inner string, vars environ, depth int) string {
	name, fallback, ok := strings.Cut(inner, "-")
	if v := vars[strings.TrimSuffix(name, ":")]; v != "" || !ok {
		return v
	}
	return strings.Trim(expandRenviron(fallback, vars, depth+1), `"'`)
}

// expandR fills in the letters of a library's path: %U and %S are R's own
// places for a person's and the site's packages, %p %v %V the platform and the version.
func (r *environmentReader) expandR(dir, home string, vars environ) string {
	short := r.out.Version
	if i := strings.LastIndexByte(short, '.'); strings.Count(short, ".") > 1 {
		short = short[:i]
	}
	user := "~/R/%p-library/%v"
	if runtime.GOOS == "darwin" {
		user = "~/Library/R/" + map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH] + "/%v/library"
	}
	platform := vars["R_PLATFORM"]
	dir = strings.NewReplacer("%U", user, "%S", filepath.Join(home, "site-library")).Replace(dir)
	dir = strings.NewReplacer("%p", platform, "%v", short, "%V", r.out.Version).Replace(dir)
	return expandHome(dir, vars)
}

// profiles notes R profiles that choose libraries themselves, as renv's does.
func (r *environmentReader) profiles(home string) {
	for _, path := range []string{filepath.Join(home, "etc", "Rprofile.site"), filepath.Join(r.cwd, ".Rprofile"), filepath.Join(r.env.home(), ".Rprofile")} {
		data, err := r.read(path, maxMetadata)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && (strings.Contains(line, "libPaths") || strings.Contains(line, "renv") || strings.Contains(line, "packrat")) {
				r.gap("%s may choose other libraries: it was not run", clip(path))
				break
			}
		}
	}
}
