package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"assay/executor"
	"assay/executor/local"
	"assay/nbformat"
)

// counter is a sink that counts the text of one stream.
type counter struct {
	lines  int
	result executor.CellResult
}

func (c *counter) CellStarted(int, time.Time)            {}
func (c *counter) OutputsChanged(int, []nbformat.Output) {}
func (c *counter) Stream(_ int, _, text string)          { c.lines += strings.Count(text, "\n") }
func (c *counter) CellEnded(r executor.CellResult)       { c.result = r }

// stalled is a kernel whose reader sleeps once, as a program on a busy machine does.
type stalled struct {
	executor.Kernel
	after, sleep time.Duration
	began        time.Time
	done         bool
}

func (s *stalled) Next(ctx context.Context) (executor.Message, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	if !s.done && time.Since(s.began) > s.after {
		s.done = true
		time.Sleep(s.sleep)
	}
	return s.Kernel.Next(ctx)
}

func (b *bench) stall() error {
	const sends = `ip = get_ipython().kernel
for i in range(100000):
    ip.session.send(ip.iopub_socket, "stream", {"name": "stdout", "text": f"{i}\n"}, parent=ip.get_parent(), ident=b"stream")`
	const prints = "for i in range(60000):\n    print(i, flush=True)"
	for _, c := range []struct {
		work, code string
		want       int
		sleep      time.Duration
	}{
		{"100,000 messages at full speed", sends, 100000, 0},
		{"60,000 flushed prints, reader stalled 5 s", prints, 60000, 5 * time.Second},
	} {
		n, took, err := b.lossless(c.code, c.sleep)
		if err != nil {
			return err
		}
		peer := "–"
		if c.sleep == 0 {
			nb, err := b.notebook("stall.ipynb", c.code)
			if err != nil {
				return err
			}
			if _, _, err := b.nbclient(nb); err != nil {
				return err
			}
			text, err := os.ReadFile(b.path("nbclient.ipynb"))
			if err != nil {
				return err
			}
			peer = fmt.Sprintf("nbclient %d", strings.Count(string(text), `\n"`))
		}
		b.add(c.work, fmt.Sprintf("%d of %d in %s", n, c.want, seconds(took)), peer, fmt.Sprintf("%d lost", c.want-n), "0 lost")
	}
	return nil
}

func (b *bench) lossless(code string, sleep time.Duration) (int, time.Duration, error) {
	ctx := context.Background()
	k, err := local.Start(ctx, &local.Options{Kernel: "python3", Python: b.env, StartTimeout: time.Minute})
	if err != nil {
		return 0, 0, err
	}
	defer k.Close(ctx)
	sink := &counter{}
	driven := k
	if sleep > 0 {
		driven = &stalled{Kernel: k, after: 500 * time.Millisecond, sleep: sleep}
	}
	began := time.Now()
	res := executor.Run(ctx, driven, []executor.Cell{{Type: "code", Source: code}}, nil, sink)
	if res.State != executor.RunSucceeded {
		return sink.lines, time.Since(began), fmt.Errorf("run ended as %s: %s", res.State, res.Note)
	}
	return sink.lines, time.Since(began), nil
}

// parse compares reading and writing notebooks in process, ours against Python's nbformat.
const parseScript = `
import sys, time, nbformat, os
for p in sys.argv[1:]:
    text = open(p, encoding="utf8").read()
    best = 1e9
    for _ in range(3):
        t = time.perf_counter(); nbformat.writes(nbformat.reads(text, as_version=nbformat.NO_CONVERT)); best = min(best, time.perf_counter() - t)
    print(best)
`

func (b *bench) parse() error {
	kinds := []struct {
		name   string
		output any
		n      int
		goal   string
	}{
		{"many small parts", strings.SplitAfter(strings.Repeat("epoch 17 loss=0.1234 accuracy=0.9321\n", 400), "\n"), 250, ">= 200 MB/s"},
		{"few long strings", strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA", 40000), 10, "never slower than nbformat"},
	}
	for _, kind := range kinds {
		file := b.path("parse.ipynb")
		size, err := writeOutputs(file, kind.output, kind.n)
		if err != nil {
			return err
		}
		m, err := b.once(nil, b.tool("python"), "-W", "ignore", "-c", parseScript, file)
		if err != nil {
			return err
		}
		var theirs float64
		if _, err := fmt.Sscan(m.out, &theirs); err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		best := time.Hour
		for range 9 {
			began := time.Now()
			d, err := nbformat.Parse(data)
			if err != nil {
				return err
			}
			if _, err := d.WriteTo(discard{}); err != nil {
				return err
			}
			best = min(best, time.Since(began))
		}
		rate := func(s float64) string { return fmt.Sprintf("%.0f MB/s", float64(size)/1e6/s) }
		b.add("parse and write, "+kind.name, rate(best.Seconds()), "nbformat "+rate(theirs), fmt.Sprintf("%.0fx", theirs/best.Seconds()), kind.goal)
	}
	return nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func writeOutputs(file string, output any, n int) (int, error) {
	cells := make([]any, n)
	for i := range cells {
		o := map[string]any{"output_type": "stream", "name": "stdout", "text": output}
		if s, ok := output.(string); ok {
			o = map[string]any{"output_type": "display_data", "metadata": map[string]any{}, "data": map[string]any{"image/png": s}}
		}
		cells[i] = map[string]any{"cell_type": "code", "execution_count": i, "id": fmt.Sprint("c", i), "metadata": map[string]any{}, "outputs": []any{o}, "source": []string{}}
	}
	text, err := json.MarshalIndent(map[string]any{"cells": cells, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 5}, "", " ")
	if err != nil {
		return 0, err
	}
	text = append(text, '\n')
	return len(text), os.WriteFile(file, text, 0o666)
}
