package audit

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func BenchmarkVerifyReceipt(b *testing.B) {
	l := smallLog(b)
	data := l.receipt(1).Encode()
	o := &VerifyOptions{Keys: []note.Verifier{verifier(b, l.vkey)}, Notebook: []byte(testNotebook)}
	b.ReportAllocs()
	for b.Loop() {
		if v := Verify(data, o); !v.OK {
			b.Fatal(problems(v))
		}
	}
}

func BenchmarkParseEntry(b *testing.B) {
	leaf := smallLog(b).leaves[1]
	b.SetBytes(int64(len(leaf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEntry(leaf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigestNotebook(b *testing.B) {
	text := []byte(strings.Replace(testNotebook, `"0.5\n"`, `"`+strings.Repeat(`line of text\n`, 1<<16)+`"`, 1))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := digestText(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPayloads(b *testing.B) {
	for b.Loop() {
		testRun(b, "r", testNotebook)
	}
}

// BenchmarkVerifyExport checks a log of a million entries (ASSAY_ENTRIES
// changes that) and says how much memory the heap grew to.
func BenchmarkVerifyExport(b *testing.B) {
	size := 1_000_000
	if n := os.Getenv("ASSAY_ENTRIES"); n != "" {
		_, _ = fmt.Sscan(n, &size)
	}
	files := bigExport(b, size)
	_, vkey := testKey(b, "big.test", 4)
	o := &VerifyOptions{Keys: []note.Verifier{verifier(b, vkey)}}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if v := VerifyExport(files, o); !v.OK {
			b.Fatal(problems(v))
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "heap-growth-MB")
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func bigExport(b *testing.B, size int) fstest.MapFS {
	files := fstest.MapFS{}
	put := func(t tlog.Tile, data []byte) {
		files[TilePath(t)] = &fstest.MapFile{Data: append([]byte{}, data...)}
	}
	f := Frontier{Full: put}
	var bundle []byte
	for n := range size {
		e := Entry{Kind: KindRun, ID: fmt.Sprintf("0193%08d-1234-7890", n), Log: "big.test", Time: time.Unix(int64(n), 0), State: "succeeded", Facts: DigestBytes(bundle)}
		leaf := e.Encode()
		f.Add(tlog.RecordHash(leaf))
		bundle, _ = AppendLeaf(bundle, leaf)
		if width := n%256 + 1; width == 256 || n == size-1 {
			files[EntriesPath(int64(n/256), width)] = &fstest.MapFile{Data: bundle}
			bundle = nil
		}
	}
	f.Partial(put)
	signer, _ := testKey(b, "big.test", 4)
	msg, err := SignCheckpoint(Checkpoint{Origin: "big.test", Size: f.Size(), Root: f.Root()}, signer)
	if err != nil {
		b.Fatal(err)
	}
	files["checkpoint"] = &fstest.MapFile{Data: msg}
	return files
}
