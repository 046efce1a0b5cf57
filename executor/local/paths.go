package local

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// kernelDirs are the folders that hold kernelspecs, in jupyter_client's order
// of preference. py is nil when there is no Python.
func kernelDirs(py *Python, env environ) []string {
	var dirs []string
	if env["JUPYTER_PATH"] != "" {
		for _, d := range filepath.SplitList(env["JUPYTER_PATH"]) {
			dirs = append(dirs, strings.TrimRight(d, string(filepath.Separator)))
		}
	}
	user := []string{dataDir(env)}
	system := systemDirs(py, env)
	var own []string
	if py != nil {
		if py.userSite(env) {
			if d := filepath.Join(userBase(env), "share", "jupyter"); !slices.Contains(user, d) {
				user = append(user, d)
			}
		}
		if d := filepath.Join(py.Prefix, "share", "jupyter"); !slices.Contains(system, d) {
			own = append(own, d)
		}
	}
	if py != nil && py.preferred(env) {
		dirs = append(append(dirs, own...), user...)
	} else {
		dirs = append(append(dirs, user...), own...)
	}
	for _, d := range system {
		if !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	for i, d := range dirs {
		dirs[i] = filepath.Join(d, "kernels")
	}
	if py != nil {
		if _, ok := py.packageDir("IPython", env); ok {
			dirs = append(dirs, filepath.Join(ipythonDir(env), "kernels"))
		}
	}
	return dirs
}

// preferred tells whether the environment's kernelspecs go before the user's.
func (p Python) preferred(env environ) bool {
	if on, known := env.set("JUPYTER_PREFER_ENV_PATH"); known {
		return on
	}
	if p.Venv() {
		return owned(p.Prefix)
	}
	conda, inConda := env["CONDA_PREFIX"]
	name, named := env["CONDA_DEFAULT_ENV"]
	return inConda && strings.HasPrefix(p.Prefix, conda) && named && name != "base" && owned(p.Prefix)
}

// dataDir is jupyter_core's jupyter_data_dir.
func dataDir(env environ) string {
	if d := env["JUPYTER_DATA_DIR"]; d != "" {
		return d
	}
	home := env.home()
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	platform, _ := env.set("JUPYTER_PLATFORM_DIRS")
	switch {
	case runtime.GOOS == "darwin" && platform:
		return filepath.Join(home, "Library", "Application Support", "Jupyter")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Jupyter")
	case runtime.GOOS == "windows" && env["APPDATA"] != "" && !platform:
		return filepath.Join(env["APPDATA"], "jupyter")
	case runtime.GOOS == "windows":
		return filepath.Join(env["LOCALAPPDATA"], "Jupyter")
	}
	if xdg := env["XDG_DATA_HOME"]; strings.TrimSpace(xdg) != "" || xdg != "" && !platform {
		return filepath.Join(xdg, "jupyter")
	}
	return filepath.Join(home, ".local", "share", "jupyter")
}

func systemDirs(py *Python, env environ) []string {
	platform, _ := env.set("JUPYTER_PLATFORM_DIRS")
	switch {
	case runtime.GOOS == "windows":
		if on, _ := env.set("JUPYTER_USE_PROGRAMDATA"); on && env["PROGRAMDATA"] != "" {
			return []string{filepath.Join(env["PROGRAMDATA"], "jupyter")}
		}
		if py != nil {
			return []string{filepath.Join(py.Prefix, "share", "jupyter")}
		}
		return nil
	case platform && runtime.GOOS == "darwin":
		return []string{"/Library/Application Support/Jupyter"}
	case platform:
		list := env["XDG_DATA_DIRS"]
		if strings.TrimSpace(list) == "" {
			list = "/usr/local/share:/usr/share"
		}
		var dirs []string
		for _, d := range filepath.SplitList(list) {
			dirs = append(dirs, filepath.Join(expandHome(d, env), "jupyter"))
		}
		return dirs
	}
	return []string{"/usr/local/share/jupyter", "/usr/share/jupyter"}
}

func ipythonDir(env environ) string {
	if d := env["IPYTHONDIR"]; d != "" {
		return expandHome(d, env)
	}
	return filepath.Join(env.home(), ".ipython")
}

// packageDir finds a folder that Python could import under this name.
func (p Python) packageDir(name string, env environ) (string, bool) {
	for _, dir := range p.sitePackages(env) {
		d := filepath.Join(dir, name)
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			return d, true
		}
	}
	return "", false
}
