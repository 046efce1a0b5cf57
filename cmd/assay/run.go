package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const runLong = `Run a notebook (or a # %% script) on a real kernel with your parameters, and
write the executed notebook.

IN and OUT are paths or s3://, gs://, azblob://, http(s):// references, - is
stdin or stdout, builtin:NAME is a shipped notebook. Both may hold parameters:
out-{region}.ipynb. With IN alone the executed notebook goes to stdout.
Several inputs, or a folder, need --out-dir.

Parameters are merged in this order, whatever their order on the line:
--inject-*, -b, -f, -y, -p, -r. A value @env:NAME or @file:PATH given with -p
is a secret: it reaches the kernel and stands in no cell that assay writes, log
or record. Where a cell prints it, it is masked: as it is, and from eight bytes
on also as JSON, Python, R or a shell quote it, escaped for a URL or HTML, or in
base64; not in other forms.`

const runExample = `  assay run report.ipynb out.ipynb -p alpha 0.6 -p region eu
  assay run report.ipynb 'runs/{region}.ipynb' -y 'region: eu' --strict
  assay run report.py out.ipynb --execution-timeout 600 --run-timeout 1h
  cat report.ipynb | assay run - - > out.ipynb
  assay run -j 2 --out-dir runs/ notebooks/
  assay run report.ipynb out.ipynb -p token @env:API_TOKEN
  assay run builtin:system-health out.ipynb -p threshold 2.0`

// runFlags are the flags of run. Those of papermill keep papermill's names.
type runFlags struct {
	pairs, rawPairs       []string
	files, yamls, base64s []string
	injectInput           bool
	injectOutput          bool
	injectPaths           bool
	engine                string
	saveOnExecute         bool
	autosave              int
	prepare               bool
	kernel, language      string
	cwd                   string
	progress              bool
	progressSet           bool
	logOutput             bool
	stdoutFile            string
	stderrFile            string
	logLevel              string
	startTimeout          duration
	executionTimeout      duration
	reportMode            bool
	helpNotebook          bool

	runTimeout      duration
	memoryLimit     size
	maxOutput       size
	allowIncomplete bool
	allowErrors     bool
	coalesce        bool
	strict          bool
	compat          bool
	untrimmed       bool
	overwrite       bool
	gateway         string
	python          string
	outDir          string
	jobs            int
	noReceipt       bool
	attest          bool
	json            bool
}

func newRun() *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:     "run IN [OUT]",
		Aliases: []string{"execute"},
		Short:   "run a notebook with parameters and write the executed notebook",
		Long:    runLong,
		Example: runExample,
		Args:    arguments(0, -1, "IN, the notebook"),
		RunE: func(c *cobra.Command, args []string) error {
			f.progressSet = c.Flags().Changed("progress-bar") || c.Flags().Changed("no-progress-bar")
			return runCommand(c.Context(), f, args)
		},
	}
	f.register(c.Flags())
	c.MarkFlagFilename("parameters_file", "yaml", "yml", "json")
	c.MarkFlagDirname("cwd")
	c.MarkFlagDirname("out-dir")
	c.RegisterFlagCompletionFunc("kernel", completeKernels)
	return c
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringArrayVarP(&f.pairs, "parameters", "p", nil, "`NAME VALUE` of a parameter; True, False, None, numbers and strings as papermill types them; @env:NAME and @file:PATH are secrets")
	fs.StringArrayVarP(&f.rawPairs, "parameters_raw", "r", nil, "`NAME VALUE` of a parameter that stays a string")
	fs.StringArrayVarP(&f.files, "parameters_file", "f", nil, "`FILE` with parameters in YAML or JSON; any reference, - is stdin")
	fs.StringArrayVarP(&f.yamls, "parameters_yaml", "y", nil, "parameters as `YAML`")
	fs.StringArrayVarP(&f.base64s, "parameters_base64", "b", nil, "parameters as `BASE64` of YAML")
	fs.BoolVar(&f.strict, "strict", false, "an unknown parameter, or a value that does not fit the declared type, is an error")
	fs.BoolVar(&f.injectInput, "inject-input-path", false, "give the notebook its input path as PAPERMILL_INPUT_PATH")
	fs.BoolVar(&f.injectOutput, "inject-output-path", false, "give the notebook its output path as PAPERMILL_OUTPUT_PATH")
	fs.BoolVar(&f.injectPaths, "inject-paths", false, "both of these")

	fs.StringVarP(&f.kernel, "kernel", "k", "", "kernelspec `NAME` to run on; auto picks one of the notebook's language")
	fs.StringVarP(&f.language, "language", "l", "", "language `NAME` of the parameters, over the notebook's")
	fs.StringVar(&f.python, "python", "", "`PREFIX` or interpreter whose kernels are used")
	fs.StringVar(&f.gateway, "gateway", os.Getenv("ASSAY_GATEWAY_URL"), "`URL` of a Kernel Gateway, Jupyter Server or Enterprise Gateway; token in ASSAY_GATEWAY_TOKEN")
	fs.StringVar(&f.cwd, "cwd", "", "working `DIR` of the kernel; paths on this line stay the caller's")
	fs.BoolVar(&f.untrimmed, "untrimmed", false, "keep the kernel's own history and reply delay, which runs switch off")
	fs.StringVar(&f.engine, "engine", "", "papermill's engine `NAME`: only nbclient, which is what assay does")

	fs.Lookup("gateway").DefValue = "" // it may hold a password
	fs.Var(&f.startTimeout, "start-timeout", "`TIME` for the kernel to answer; seconds or 90s, 5m (default 60s; behind a gateway 3m)")
	fs.Var(&f.startTimeout, "start_timeout", "")
	fs.MarkHidden("start_timeout")
	fs.Var(&f.executionTimeout, "execution-timeout", "`TIME` for a cell")
	fs.Var(&f.runTimeout, "run-timeout", "`TIME` for all cells together")
	fs.Var(&f.memoryLimit, "memory-limit", "`SIZE` of a local kernel's memory: 512M, 2G")
	fs.Var(&f.maxOutput, "max-output", "`SIZE` of the outputs of a run (default 256M); -1: no limit")
	fs.BoolVar(&f.allowErrors, "allow-errors", false, "go on after a cell that raised")
	fs.BoolVar(&f.allowIncomplete, "allow-incomplete", false, "a run whose output is known to be incomplete is no failure")

	fs.StringVar(&f.outDir, "out-dir", "", "`DIR` for the outputs of several inputs")
	fs.IntVarP(&f.jobs, "jobs", "j", 1, "`N` runs at a time, for several inputs")
	fs.BoolVar(&f.prepare, "prepare-only", false, "inject and write, start no kernel")
	negated(fs, &f.prepare, "prepare-execute", "run the notebook, not only prepare it: the default")
	fs.BoolVar(&f.reportMode, "report-mode", false, "hide the source of every code cell")
	negated(fs, &f.reportMode, "no-report-mode", "leave the sources to be seen: the default")
	fs.BoolVar(&f.saveOnExecute, "request-save-on-cell-execute", true, "keep OUT up to date while cells run")
	negated(fs, &f.saveOnExecute, "no-request-save-on-cell-execute", "write OUT at the end only, and keep no journal")
	fs.IntVar(&f.autosave, "autosave-cell-every", 30, "papermill's `SECONDS` between saves inside a cell; here the journal saves within a second, and 0 is accepted")
	fs.BoolVar(&f.overwrite, "overwrite-input", false, "OUT may be IN")
	fs.BoolVar(&f.noReceipt, "no-receipt", false, "write no receipt beside OUT; the run is entered in the log all the same")
	fs.BoolVar(&f.attest, "attest", false, "write an in-toto attestation beside OUT, OUT.intoto.jsonl")
	fs.BoolVar(&f.coalesce, "coalesce-streams", false, "resolve carriage returns in streams, as a terminal shows them")
	fs.BoolVar(&f.compat, "papermill-compat", false, "write papermill's record exactly as papermill does, untrue parts included")

	fs.BoolVar(&f.progress, "progress-bar", false, "show progress: the default where stderr is a terminal")
	negated(fs, &f.progress, "no-progress-bar", "show none")
	fs.BoolVar(&f.logOutput, "log-output", false, "print what cells print, as they print it")
	negated(fs, &f.logOutput, "no-log-output", "leave it in the notebook only: the default")
	fs.StringVar(&f.stdoutFile, "stdout-file", "", "`FILE` for what cells print to stdout")
	fs.StringVar(&f.stderrFile, "stderr-file", "", "`FILE` for what cells print to stderr")
	fs.StringVar(&f.logLevel, "log-level", "INFO", "`LEVEL` of messages: DEBUG, INFO, WARNING, ERROR, CRITICAL, NOTSET")
	fs.BoolVar(&f.json, "json", false, "print events as JSON lines on stdout (docs/events.md)")
	fs.BoolVar(&f.helpNotebook, "help-notebook", false, "print the parameters that the notebook declares")
}
