package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/executor"
	"assay/executor/kerneltest"
	"assay/internal/testenv"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, k := range kerneltest.Kernels() {
		switch k.Name {
		case "ir":
			k.Die = "" // quit(status=3) is IRkernel's own there: it asks the front end to close
		case "xpython":
			k.Prints = "" // it drops what its socket does not take at once, and nothing from outside changes that
		case "deno":
			k.Print += "; await new Promise(r => setTimeout(r, 100))" // else its text may come after idle on a busy machine
			k.Big = ""                                                // Deno's PUB socket keeps back what the system's buffers do not take at once, until its next message
		}
		t.Run(k.Env+"-"+k.Name, func(t *testing.T) {
			t.Parallel()
			kerneltest.Run(t, kerneltest.Suite{
				Kernels: []kerneltest.Kernel{k},
				Start:   startConformance,
				Gone:    func(k executor.Kernel) error { return left(k.(*Kernel)) },
			})
		})
	}
}

func startConformance(t testing.TB, want kerneltest.Kernel, env ...string) executor.Kernel {
	t.Helper()
	o := kernelOptions(t, want.Env, want.Name)
	o.Env, o.StartTimeout = append(o.Env, env...), patience
	k, err := Start(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// left says what of a closed kernel is still there.
func left(k *Kernel) error {
	if _, err := os.Stat(k.dir.path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the folder %s is still there (%v)", k.dir.path, err)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", k.proc.pid)); err == nil {
		return fmt.Errorf("process %d is still there", k.proc.pid)
	}
	return nil
}

// kernelOptions are the options that start a kernel of the test environment.
// Those whose packages bring no kernelspec get one here, as their own
// installers write it.
func kernelOptions(t testing.TB, env, name string) Options {
	t.Helper()
	argv := map[string][]string{
		"bash": {"python", "-m", "bash_kernel", "-f", "{connection_file}"},
		"deno": {"deno", "jupyter", "--kernel", "--conn", "{connection_file}"},
	}[name]
	if env == "r" {
		if exec.Command("Rscript", "-e", "library(IRkernel)").Run() != nil {
			testenv.Missing(t, "IRkernel")
		}
		argv, env = []string{"R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"}, "main"
	}
	o := Options{Kernel: name, Python: testenv.Prefix(t, env), Env: os.Environ()}
	if argv == nil {
		return o
	}
	language := map[string]string{"bash": "bash", "deno": "typescript", "ir": "R"}[name]
	if name != "ir" {
		argv[0] = testenv.Bin(t, env, argv[0])
	}
	dir := filepath.Join(t.TempDir(), "kernels", name)
	spec, err := json.Marshal(map[string]any{"argv": argv, "display_name": name, "language": language})
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "kernel.json"), spec, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Env = append(o.Env, "JUPYTER_PATH="+filepath.Dir(filepath.Dir(dir)))
	return o
}
