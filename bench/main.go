// Command bench measures assay beside the programs that it replaces and beside
// the floor, the kernel's own time, in one run, and writes a table of ratios.
// Nothing here is a test: the numbers are for people.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is where things are, and what was measured so far.
type bench struct {
	assay, env, work string
	quick            bool
	rows             []row
}

// row is one line of the table.
type row struct{ work, assay, peers, ratio, goal string }

func main() {
	b := &bench{}
	out := flag.String("out", "bench/RESULTS.md", "the `FILE` to write")
	only := flag.String("only", "", "measure only the parts whose name contains `TEXT`")
	flag.StringVar(&b.assay, "assay", "./assay", "the binary")
	flag.StringVar(&b.env, "env", ".testenv/main", "the Python environment with the peers")
	flag.BoolVar(&b.quick, "quick", false, "leave out what takes a minute")
	flag.Parse()
	if err := b.run(*out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(out, only string) error {
	work, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b.work = work
	for _, p := range []*string{&b.assay, &b.env} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	parts := []struct {
		name string
		do   func() error
	}{
		{"start", b.start},
		{"cold", b.cold},
		{"cells", b.cells},
		{"lines", b.lines},
		{"prints", b.prints},
		{"stall", b.stall},
		{"gateway", b.gateway},
		{"many", b.many},
		{"parse", b.parse},
		{"convert", b.convert},
		{"diff", b.diff},
		{"strip", b.strip},
		{"render", b.render},
		{"proof", b.proof},
		{"cost of the proof", b.proofCost},
	}
	for _, p := range parts {
		if !strings.Contains(p.name, only) {
			continue
		}
		began := time.Now()
		if err := p.do(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %.0f s\n", p.name, time.Since(began).Seconds())
	}
	text := b.table()
	fmt.Print(text)
	if only != "" {
		return nil // a part of the table must not replace the whole
	}
	return os.WriteFile(out, []byte(text), 0o666)
}

func (b *bench) add(work, assay, peers, ratio, goal string) {
	b.rows = append(b.rows, row{work, assay, peers, ratio, goal})
}

func (b *bench) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "# Results\n\nMade by `make bench` on %s, %d processors, %s/%s, %s. Assay and the floor are medians of three to\nfifteen, peers that take long ran once; ratios travel better than times. The floor is the kernel's own time: a loop that\nsends, and only waits, on a kernel that nobody trimmed.\n\n",
		time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	t.WriteString("| work | assay | beside it | ratio | goal |\n|---|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |\n", r.work, r.assay, r.peers, r.ratio, r.goal)
	}
	return t.String()
}
