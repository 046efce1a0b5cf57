package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/audit/ledger"
	"assay/audit/ledger/storetest"
	"assay/store"
)

// proof measures the log, the bus and the outbox. What has a benchmark beside
// its package is measured by that, on real databases.
func (b *bench) proof() error {
	for _, part := range []func() error{b.appends, b.postgres, b.million, b.publish, b.flaky} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// goBench runs Go benchmarks and gives their metrics by name and unit.
func (b *bench) goBench(pkg, name, benchtime string) (map[string]map[string]float64, error) {
	out, err := exec.Command("go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", benchtime, "-timeout", "30m", pkg).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", pkg, name, err, out)
	}
	found := map[string]map[string]float64{}
	line := regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		fields := strings.Fields(m[2])
		found[m[1]] = map[string]float64{}
		for i := 0; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no number", name, fields[i])
			}
			found[m[1]][fields[i+1]] = v
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s %s measured nothing:\n%s", pkg, name, out)
	}
	return found, nil
}

func (b *bench) appends() error {
	one, err := b.goBench("./store", "BenchmarkAppend", "500x")
	if err != nil {
		return err
	}
	a := one["Append"]
	b.add("append one entry durably, SQLite, one writer", nanoseconds(a["ns/append"]), "one fsync'd insert "+nanoseconds(a["ns/insert"]),
		fmt.Sprintf("%.2fx", a["x-of-insert"]), "<= 1.3x")
	many, err := b.goBench("./store", "BenchmarkAppendBatch", "20x")
	if err != nil {
		return err
	}
	for name, m := range many {
		b.add("batches of entries, "+strings.TrimPrefix(name, "AppendBatch/"), fmt.Sprintf("%.0f entries/s", m["entries/s"]), "", "", ">= 20,000/s")
	}
	return nil
}

func (b *bench) postgres() error {
	var single, grouped, ratio []float64
	for range 5 { // in turn: a disk is not as fast at one moment as at the next
		one, err := b.goBench("./store", "BenchmarkPostgresCommits", "1s")
		if err != nil {
			return err
		}
		group, err := b.goBench("./store", "BenchmarkPostgresGroup", "2s")
		if err != nil {
			return err
		}
		s, g := one["PostgresCommits"]["commits/s"], group["PostgresGroup"]["entries/s"]
		single, grouped, ratio = append(single, s), append(grouped, g), append(ratio, g/s)
	}
	b.add("append, PostgreSQL, 16 writers, grouped commits", fmt.Sprintf("%.0f entries/s", median(grouped)),
		fmt.Sprintf("one writer's commits %.0f/s", median(single)), fmt.Sprintf("%.1fx (%.1fx to %.1fx)", median(ratio), slices.Min(ratio), slices.Max(ratio)), ">= 5x")
	return nil
}

// million verifies a log of a million entries by the program itself, and makes receipts from it.
func (b *bench) million() error {
	if b.quick {
		return nil
	}
	const million = 1_000_000
	ctx := context.Background()
	home := b.path("million")
	dir := filepath.Join(home, "assay")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(home)
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "assay.db"), nil)
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := ledger.Open(ctx, s, &ledger.Options{Key: ledger.KeySource{File: filepath.Join(dir, "log.key")}})
	if err != nil {
		return err
	}
	for from := 0; from < million; from += 2000 {
		items := make([]ledger.Item, 2000)
		for i := range items {
			items[i] = storetest.Small(l.Origin(), fmt.Sprintf("run%07d", from+i))
		}
		if _, err := l.Append(ctx, items...); err != nil {
			return err
		}
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		return err
	}
	var took []time.Duration
	for i := range 201 {
		began := time.Now()
		if _, err := l.Receipt(ctx, fmt.Sprintf("run%07d", i*4973)); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	if err := s.Close(); err != nil {
		return err
	}
	var runs []measured
	for range 3 {
		m, err := b.once([]string{"XDG_STATE_HOME=" + home, "XDG_CONFIG_HOME=" + home}, b.assay, "log", "verify")
		if err != nil {
			return err
		}
		runs = append(runs, m)
	}
	slices.SortFunc(runs, func(x, y measured) int { return int(x.wall - y.wall) })
	b.add("assay log verify, 1,000,000 entries, SQLite", seconds(runs[1].wall)+", "+megabytes(runs[1].rss), "tlog in memory 1.03 s (reference)", "", "<= 3 s, <= 100 MB")
	b.add("inclusion proof and receipt from 1,000,000", nanoseconds(float64(median(took).Nanoseconds())), "", "", "<= 2 ms")
	return nil
}

// beforeProof is the last commit whose runs leave no proof.
const beforeProof = "91ad6ff"

// alike are the files that start a program and its kernel. The program without
// proof is built with those of today, so that what they became faster by since
// then is not taken from the cost of the proof.
var alike = []string{"cmd/assay/main.go", "executor/local/dial.go", "executor/local/local.go", "executor/local/start.go", "go.mod", "go.sum"}

// proofCost is a run of three cells by this program, in turn with the one before there was a log.
func (b *bench) proofCost() error {
	old, err := b.buildAt(beforeProof, alike)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: the cost of the proof is left out:", err)
		return nil
	}
	nb, err := b.notebook("proof.ipynb", threeCells...)
	if err != nil {
		return err
	}
	n := 81 // a kernel's start varies by a hundred milliseconds
	if b.quick {
		n = 25
	}
	var with, without []time.Duration
	for range n {
		w, err := b.once(nil, b.assay, "run", nb, b.path("with.ipynb"))
		if err != nil {
			return err
		}
		o, err := b.once(nil, old, "run", nb, b.path("without.ipynb"))
		if err != nil {
			return err
		}
		with, without = append(with, w.wall), append(without, o.wall)
	}
	b.add("cost of the proof to a run of three cells, whole process", seconds(median(with)), "without proof "+seconds(median(without)),
		fmt.Sprintf("%s between the medians of %d runs in turn, %s between the lower quartiles", plus(median(with)-median(without)), n, plus(with[n/4]-without[n/4])), "<= 10 ms")
	return nil
}

func plus(d time.Duration) string { return fmt.Sprintf("%+.1f ms", float64(d.Microseconds())/1000) }

// buildAt builds the program of a commit with some files of today.
func (b *bench) buildAt(commit string, files []string) (string, error) {
	dir := b.path("source-" + commit)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	text := fmt.Sprintf("git archive %s | tar -x -C %s", commit, dir)
	if out, err := exec.Command("bash", "-c", "set -o pipefail; "+text).CombinedOutput(); err != nil {
		return "", errors.New(strings.TrimSpace(string(out)))
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return "", err
		}
	}
	program := b.path("assay-" + commit)
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/assay") // as the Makefile builds it
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
}

func (b *bench) publish() error {
	got, err := b.goBench("./events/storetest", "BenchmarkPublish", "3000x")
	if err != nil {
		return err
	}
	p := func(name string) float64 { return got["Publish/"+name]["p99-µs"] }
	well, stuck := p("ThreeWell"), p("TwoWellOneStuck")
	b.add("bus: publish to durable, p99, one of three destinations stuck", fmt.Sprintf("%.2f ms", stuck/1000), fmt.Sprintf("none stuck %.2f ms", well/1000),
		fmt.Sprintf("%.2fx", stuck/well), "unchanged")
	return nil
}

func (b *bench) flaky() error {
	got, err := b.goBench("./events/storetest", "BenchmarkFlaky", "1x")
	if err != nil {
		return err
	}
	f := got["Flaky"]
	b.add("outbox: 20,000 rows through a flaky endpoint", fmt.Sprintf("%.0f rows/s", f["rows/s"]),
		fmt.Sprintf("%.0f of %.0f requests failed", f["failed-requests"], f["requests"]),
		fmt.Sprintf("%.0f lost, %.0f out of order", f["lost"], f["out-of-order"]), "each once by the receiver's count, in order")
	return nil
}

func nanoseconds(n float64) string {
	return fmt.Sprintf("%.2f ms", n/1e6)
}
