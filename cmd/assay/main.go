// Command assay runs Jupyter notebooks, proves what ran, and puts the result
// in front of the people and programs that must trust it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is set by the Makefile; a plain go build leaves it to the build info.
var version string

func main() {
	collectLate()
	args := os.Args[1:]
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if name == "papermill" {
		os.Exit(papermill(args))
	}
	os.Exit(execute(newRoot(), args))
}

// collectLate leaves the first 16 MB of the heap alone: most commands end
// before they are full, and need not pay for a collection or two.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(400) // of the 4 MB from which Go counts
	first := new(struct{ _ [64]byte })
	runtime.AddCleanup(first, func(usual int) { debug.SetGCPercent(usual) }, 100)
}

// buildVersion is assay's version: a tag or commit, with what Go recorded of the build.
func buildVersion() string {
	v, revision, dirty := version, "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				revision = s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "+dirty"
			}
		}
		if v == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
	}
	switch {
	case v != "":
		return v
	case revision != "":
		return "0.0.0-" + revision + dirty
	default:
		return "0.0.0-dev"
	}
}

// note writes a line for people: everything that is not the answer goes to standard error.
func note(format string, args ...any) {
	fmt.Fprintln(os.Stderr, safeText(fmt.Sprintf(format, args...)))
}
