package assay

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "assay"

// allowed is the import law: a package and the packages of this module that it
// may import, internal/ apart. docs/architecture.md says why each arrow exists.
var allowed = map[string][]string{
	".":                      {},
	"nbformat":               {},
	"nbformat/upgrade":       {"nbformat"},
	"nbformat/percent":       {"nbformat"},
	"nbformat/strip":         {"nbformat"},
	"nbdiff":                 {"nbformat", "nbformat/upgrade"},
	"nbrender":               {"nbformat", "nbdiff"},
	"gitflow/drivers":        {"nbformat", "nbdiff"},
	"params":                 {"nbformat"},
	"scraps":                 {"nbformat"},
	"executor":               {"nbformat"},
	"executor/inkernel":      {},
	"executor/kerneltest":    {"executor"},
	"executor/local":         {"executor"},
	"executor/gateway":       {"executor"},
	"notebooks":              {"nbformat"},
	"runs":                   {"nbformat", "nbformat/percent", "nbformat/upgrade", "params", "scraps", "executor", "notebooks", "runs/output", "audit", "audit/ledger", "events", "observer"},
	"runs/output":            {"nbformat", "nbformat/upgrade", "params", "executor"},
	"audit/ledger":           {"audit"},
	"audit/ledger/storetest": {"audit", "audit/ledger"},
	"events":                 {},
	"events/codec":           {"events"},
	"events/cloudevents":     {"events"},
	"events/file":            {"events"},
	"events/lineage":         {"events"},
	"events/storetest":       {"events"},
	"events/webhook":         {"events"},
	"audit":                  {"nbformat"},
	"observer":               {"events"},
	"observer/storetest":     {"events", "observer"},
	"store":                  {"nbformat", "executor", "audit", "audit/ledger", "events", "observer", "runs"},
	"cmd/assay":              {"*"},
}

// homes says which of our packages may import a third-party module: a library
// that is expensive to change, or to link, has one place. "" stands for tests only.
var homes = map[string][]string{
	"github.com/coder/websocket":     {"executor/gateway"},
	"github.com/spf13/cobra":         {"cmd/assay"},
	"github.com/spf13/pflag":         {"cmd/assay"},
	"github.com/goccy/go-yaml":       {"params", "nbformat/percent", "cmd/assay"},
	"github.com/parquet-go/":         {"scraps"},
	"gocloud.dev":                    {"internal/bucket"},
	"github.com/aws/":                {"internal/bucket"},
	"github.com/Azure/":              {"internal/bucket"},
	"cloud.google.com/":              {"internal/bucket"},
	"github.com/schollz/progressbar": {"cmd/assay"},
	"golang.org/x/mod/":              {"audit", "audit/ledger", "audit/ledger/storetest", "store"},
	"golang.org/x/term":              {"cmd/assay"},
	"github.com/sergi/go-diff":       {"nbdiff"},
	"github.com/yuin/goldmark":       {"nbrender"},
	"github.com/microcosm-cc/":       {"nbrender"},
	"github.com/buildkite/":          {"nbrender"},
	"modernc.org/":                   {"store"},
	"github.com/jackc/":              {"store"},
	"github.com/pressly/goose":       {"store"},
	"github.com/chromedp/":           {""},
	"github.com/go-zeromq/":          {""},
	"github.com/Shopify/toxiproxy":   {""},
	"github.com/google/go-cmp":       {"", "events/storetest", "observer/storetest"},
	"github.com/rogpeppe/":           {""},
	"github.com/creack/pty":          {""},
}

func TestImports(t *testing.T) {
	eachFile(t, func(name string, imports []string) {
		pkg := path.Dir(name)
		may, known := allowed[pkg]
		if !known && !strings.HasPrefix(pkg, "internal/") {
			t.Errorf("%s: package %s has no line in the import law", name, pkg)
		}
		for _, imp := range imports {
			rel, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				checkHome(t, name, pkg, imp)
				continue
			}
			if strings.HasPrefix(pkg, "internal/") && !strings.HasPrefix(rel, "internal/") {
				t.Errorf("%s: internal packages import nothing of ours, not %s", name, rel)
			}
			if !strings.HasPrefix(rel, "internal/") && !slices.Contains(may, rel) && !slices.Contains(may, "*") {
				t.Errorf("%s: %s may not import %s", name, pkg, rel)
			}
		}
	})
}

func checkHome(t *testing.T, name, pkg, imp string) {
	t.Helper()
	for prefix, pkgs := range homes {
		if strings.HasPrefix(imp, prefix) && !slices.Contains(pkgs, pkg) {
			t.Errorf("%s: %s belongs in %v, not in %s", name, imp, pkgs, pkg)
		}
	}
}

// The pure core has no clock, no files, no network and starts no process.
func TestPureCore(t *testing.T) {
	pure := []string{"nbformat", "nbformat/percent", "nbformat/upgrade", "nbformat/strip", "nbdiff", "nbrender", "params", "scraps", "audit"}
	banned := []string{"os", "os/exec", "net", "net/http", "io/ioutil", "syscall", "log", "log/slog"}
	eachFile(t, func(name string, imports []string) {
		if !slices.Contains(pure, path.Dir(name)) {
			return
		}
		for _, imp := range imports {
			if slices.Contains(banned, imp) {
				t.Errorf("%s: the pure core may not import %s", name, imp)
			}
		}
	})
}

// Every package says in one comment what it is, and no file hides its licence behind a replace.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	fset := token.NewFileSet()
	eachPath(t, func(name string) {
		f, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		documented[path.Dir(name)] = documented[path.Dir(name)] || f.Doc != nil
	})
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mod), "\nreplace ") {
		t.Error("go.mod has a replace directive")
	}
}

func eachFile(t *testing.T, check func(name string, imports []string)) {
	t.Helper()
	eachPath(t, func(name string) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			imports = append(imports, imp)
		}
		check(name, imports)
	})
}

// eachPath visits every Go file that is linked into the program: tests, and
// the modules of tools/ and bench/, are not.
func eachPath(t *testing.T, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name == "tools" || name == "bench" || name == "internal/testenv" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		visit(name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
