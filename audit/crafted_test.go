package audit

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// addRaw puts any text into the log as a leaf, which no check has seen.
func (l *testLog) addRaw(leaf []byte, payloads []Payload) int64 {
	l.t.Helper()
	n := int64(len(l.leaves))
	hashes, err := tlog.StoredHashes(n, leaf, l)
	if err != nil {
		l.t.Fatal(err)
	}
	l.hashes, l.leaves = append(l.hashes, hashes...), append(l.leaves, leaf)
	if len(payloads) > 0 {
		l.lines = append(l.lines, &PayloadLine{Index: n, Commitments: Commitments(payloads), Payloads: payloads})
	}
	return n
}

// craft is an entry or a payload that the key's holder made up.
type craft struct {
	name  string
	leaf  func(string) string // of the entry's text
	in    string              // the payload that data changes
	data  func(string) string
	first string // what is said first, where it verifies
}

func replace(old, with string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			panic("crafted: " + old + " is not in " + s)
		}
		return strings.Replace(s, old, with, 1)
	}
}

func crafts() []craft {
	long := strings.Repeat("x", 1025)
	list := strings.Repeat(`"n",`, 32)
	cs := []craft{
		{name: "as assay writes it", first: "assay recorded that the run succeeded"},
		{name: "a key that was never named", leaf: replace(`"names":[]`, `"names":["a"]`)},
		{name: "a state of its own", leaf: replace(`"succeeded"`, `"verified, all is well"`), in: "result", data: replace(`"succeeded"`, `"verified, all is well"`), first: `the run did NOT succeed: assay recorded that it ended "verified, all is well"`},
		{name: "no state", leaf: replace(`"succeeded"`, `""`), in: "result", data: replace(`"succeeded"`, `""`), first: `the run did NOT succeed: assay recorded that it ended ""`},
		{name: "failed", leaf: replace(`"succeeded"`, `"failed"`), in: "result", data: replace(`"succeeded"`, `"failed"`), first: "the run did NOT succeed: assay recorded that it ended failed"},
		{name: "failed, and the result says otherwise", leaf: replace(`"succeeded"`, `"failed"`)},
		{name: "another result", in: "result", data: replace(`"succeeded"`, `"failed"`)},
		{name: "another kind", leaf: replace(`"run"`, `"ruN"`)},
		{name: "another kind with any payload", leaf: replace(`"run"`, `"other"`), in: "input", data: func(string) string { return "anything" }},
		{name: "names for 32", leaf: replace(`"names":[]`, `"names":[`+list[:len(list)-1]+`]`)},
		{name: "names for 33", leaf: replace(`"names":[]`, `"names":[`+list+`"n"]`)},
		{name: "a subject of 1,024", leaf: replace(`"subject":""`, `"subject":"`+long[1:]+`"`)},
		{name: "a subject of 1,025", leaf: replace(`"subject":""`, `"subject":"`+long+`"`)},
		{name: "an id of 1,025", leaf: replace(`"crafted"`, `"`+long+`"`)},
		{name: "1,026 bytes of 513 letters", leaf: replace(`"subject":""`, `"subject":"`+strings.Repeat("é", 513)+`"`)},
		{name: "1,024 letters that are escaped", leaf: replace(`"subject":""`, `"subject":"`+strings.Repeat(`\u0001`, 1024)+`"`)},
		{name: "longer than a leaf", leaf: replace(`"names":[]`, `"names":["`+strings.Repeat(`","`+strings.Repeat(`\u0001`, 1000), 11)+`"]`)},
		{name: "version 2", leaf: replace(`"version":1`, `"version":2`)},
		{name: "more after it", leaf: func(s string) string { return s + "\n" }},
		{name: "more after state", leaf: replace(`"state":"succeeded"`, `"state":"succeeded","x":1`)},
		{name: "a newline of a payload", in: "input", data: func(s string) string { return s + "\n" }},
		{name: "unknown facts", leaf: func(s string) string { return s[:len(s)-74] + `""}` }},
	}
	for _, date := range []string{
		"2026-02-29", "2024-02-29", "2000-02-29", "1900-02-29", "0000-02-29", "0400-02-29", "0100-02-29", "2026-02-30", "2026-04-31", "2026-06-31", "2026-09-31", "2026-11-31",
		"2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2026-12-31", "0000-01-01", "9999-12-31", "2026-10-31", "2026-19-01", "2028-02-29", "2096-02-29", "2100-02-29",
	} {
		at := date + "T17:00:00.123456Z"
		cs = append(cs,
			craft{name: "an entry of " + date, leaf: replace("2026-11-21T17:00:00.123456Z", at)},
			craft{name: "a start of " + date, in: "result", data: replace("2026-11-21T17:00:00.123456Z", at)})
	}
	for _, clock := range []string{"23:59:59", "24:00:00", "29:00:00", "00:60:00", "23:59:60", "19:00:00"} {
		cs = append(cs, craft{name: "an entry at " + clock, leaf: replace("T17:00:00.", "T"+clock+".")})
	}
	for _, name := range []string{PayloadInput, PayloadParameters, PayloadKernel, PayloadEnvironment, PayloadCells, PayloadOutput, PayloadScraps, PayloadNames, PayloadResult, PayloadEvents} {
		by := "kernel"
		if name == PayloadKernel || name == PayloadScraps {
			by = "assay"
		}
		cs = append(cs,
			craft{name: name + " of version 2", in: name, data: replace(`"version":1`, `"version":2`)},
			craft{name: name + " of version 0", in: name, data: replace(`"version":1`, `"version":0`)},
			craft{name: name + " by another", in: name, data: func(s string) string {
				return strings.Replace(strings.Replace(s, `"by":"assay"`, `"by":"`+by+`"`, 1), `"by":"kernel"`, `"by":"`+by+`"`, 1)
			}},
			craft{name: name + " with more at its end", in: name, data: func(s string) string { return s[:len(s)-1] + `,"more":1}` }},
			craft{name: name + " with more behind it", in: name, data: func(s string) string { return s + "{}" }},
			craft{name: name + " with a space", in: name, data: replace(`,`, `, `)},
			craft{name: name + " cut", in: name, data: func(s string) string { return s[:len(s)-2] }},
			craft{name: name + " empty", in: name, data: func(string) string { return "" }},
			craft{name: name + " without its last", in: name, data: func(s string) string { return s[:strings.LastIndexByte(s, ',')] + "}" }})
	}
	zero := strings.Repeat("0", 64)
	return append(cs,
		craft{name: "garbage after the result's state", in: "result", data: replace(`"succeeded",`, `"succeeded",garbage`)},
		craft{name: "more digits in a time", in: "result", data: replace(`.123456Z`, `.1234560Z`)},
		craft{name: "a time with a comma", in: "result", data: replace(`.123456Z`, `,123456Z`)},
		craft{name: "a size of 2^53-1", in: "input", data: replace(`"size":2`, `"size":9007199254740991`)},
		craft{name: "a size of 2^53", in: "input", data: replace(`"size":2`, `"size":9007199254740992`)},
		craft{name: "a size with zeros", in: "input", data: replace(`"size":2`, `"size":02`)},
		craft{name: "a size below zero", in: "input", data: replace(`"size":2`, `"size":-2`)},
		craft{name: "an unknown digest", in: "events", data: func(s string) string { i := strings.Index(s, `"sha256`); return s[:i] + `""` + s[i+73:] }},
		craft{name: "a digest of zeros", in: "events", data: func(s string) string {
			i := strings.Index(s, `"sha256`)
			return s[:i] + `"sha256:` + zero + `"` + s[i+73:]
		}},
		craft{name: "a package of two", in: "environment", data: replace(`["ipykernel","7.4.0",""]`, `["ipykernel","7.4.0"]`)},
		craft{name: "another package", in: "environment", data: replace(`"numpy"`, `"numpi"`)},
		craft{name: "an environment without a digest", in: "environment", data: func(s string) string { i := strings.Index(s, `"sha256`); return s[:i] + `""` + s[i+73:] }},
		craft{name: "a parameter with both", in: "parameters", data: replace(`"value":"0.5"`, `"value":"0.5","secret":"x"`)},
		craft{name: "a parameter with neither", in: "parameters", data: replace(`,"value":"0.5"`, ``)},
		craft{name: "a parameter twice", in: "parameters", data: replace(`{"name":"alpha","value":"0.5"}`, `{"name":"alpha","value":"0.5"},{"name":"alpha","value":"0.6"}`)},
		craft{name: "a value that is no JSON", in: "parameters", data: replace(`"0.5"`, `"{"`)},
		craft{name: "a string over 1,024 in a payload", in: "names", data: replace(`"h"`, `"`+long+`"`)},
		craft{name: "an escape that need not be", in: "names", data: replace(`"h"`, `"\u0068"`)},
		craft{name: "a slash escaped", in: "names", data: replace(`"h"`, `"\/"`)},
		craft{name: "a surrogate", in: "names", data: replace(`"h"`, `"\ud800"`)},
		craft{name: "a count that is none", in: "cells", data: replace(`"execution_count":1`, `"execution_count":null`)},
		craft{name: "a count of nothing", in: "cells", data: replace(`"execution_count":1`, `"execution_count":01`)},
		craft{name: "nothing masked", in: "cells", data: replace(`}]}`, `,"masked":[]}]}`)},
		craft{name: "something masked", in: "cells", data: replace(`}]}`, `,"masked":["a","b"]}]}`)},
		craft{name: "no cells", in: "cells", data: func(string) string { return `{"version":1,"by":"assay","cells":[]}` }},
		craft{name: "cells with a comma", in: "cells", data: replace(`}]}`, `},]}`)})
}

// log is a log with this one entry, signed as any other.
func (c craft) log(t *testing.T) *testLog {
	l := newTestLog(t, testOrigin, 7)
	e, ps := testRun(t, "crafted", testNotebook)
	ps = ps[:len(ps)-1] // without the secrets
	for i := range ps {
		if ps[i].Name == c.in {
			ps[i].Data = []byte(c.data(string(ps[i].Data)))
		}
	}
	e.Log, e.Facts = l.origin, FactsDigest(Commitments(ps))
	leaf := string(e.Encode())
	if c.leaf != nil {
		leaf = c.leaf(leaf)
	}
	l.addRaw([]byte(leaf), ps)
	return l
}

// Whoever has the key can sign anything. Both verifiers say the same of it.
func TestCraftedEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var receipts [][]byte
	var folders [][2]string
	var goReceipts, goExports []*Verdict
	all := crafts()
	vkey := ""
	for i, c := range all {
		l := c.log(t)
		vkey = l.vkey
		o := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
		data := l.receipt(0).Encode()
		receipts = append(receipts, data)
		goReceipts = append(goReceipts, Verify(data, o))
		if len(l.leaves[0]) > MaxLeaf {
			folders = append(folders, [2]string{dir, l.vkey})
			goExports = append(goExports, &Verdict{})
			continue
		}
		folder := filepath.Join(dir, fmt.Sprint(i))
		if err := os.CopyFS(folder, l.export()); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, [2]string{folder, l.vkey})
		goExports = append(goExports, VerifyExport(os.DirFS(folder), o))
	}
	answers := ask[[]string](t,
		map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{vkey}},
		map[string]any{"do": "folders", "folders": folders})
	verified := 0
	for i, c := range all {
		if v := goReceipts[i]; v.OK != (answers[0][i][0] == '.') {
			t.Errorf("receipt of %s: Go says %v %s, Python %.200s", c.name, v.OK, problems(v), answers[0][i])
		} else if v.OK {
			verified++
			if c.first != "" && (v.Proved[0] != c.first || answers[0][i] != ". "+c.first) {
				t.Errorf("of %s is said first: Go %q, Python %q, want %q", c.name, v.Proved[0], answers[0][i], c.first)
			}
		}
		if v := goExports[i]; v.OK != (answers[1][i][0] == '.') {
			t.Errorf("export of %s: Go says %v %s, Python %.200s", c.name, v.OK, problems(v), answers[1][i])
		}
	}
	if verified < 15 || verified > len(all)-60 {
		t.Errorf("%d of %d verify: the test tests little", verified, len(all))
	}
}

// Payloads that no run has, of which a receipt of a run says nothing.
func TestCraftedPayloads(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, testOrigin, 7)
	o := &VerifyOptions{Keys: []note.Verifier{verifier(t, l.vkey)}}
	var receipts [][]byte
	var want []bool
	for _, kind := range []string{KindRun, "other"} {
		for _, name := range []string{"", "Input", "input ", "act", "\x01", "é", PayloadEvents} {
			e := Entry{Kind: kind, ID: "x", State: "failed", Log: l.origin}
			index := l.add(e, []Payload{{Name: name, Data: []byte(`{"version":1,"by":"assay","digest":"","count":0}`)}})
			data := l.receipt(index).Encode()
			receipts = append(receipts, data)
			want = append(want, Verify(data, o).OK)
		}
	}
	good := l.receipt(0)
	for _, hint := range []string{"a\x1cb", "a\u00a0b", "a\u0085b", "a\u2028b", "a b", "a\x01b", "é", "a\u200bb", "a\u180eb", "a\ufeffb"} { // names of keys, with spaces and what only looks so
		r := *good
		_, k := testKey(t, "x", 9)
		raw := k[strings.LastIndexByte(k, '+')+1:]
		r.Keys = []string{fmt.Sprintf("%s+%08x+%s", hint, keyHash(hint, unbase64(t, raw)), raw)}
		data := r.Encode()
		receipts = append(receipts, data)
		want = append(want, Verify(data, o).OK)
	}
	// A note that is longer than any that is read.
	long := newTestLog(t, strings.Repeat("x", 1000), 7)
	long.add(Entry{Kind: KindErased, ID: "x"}, nil)
	r := long.receipt(0)
	for _, size := range []int{1 << 10, 1<<20 + 1} {
		origin := strings.Repeat("x", size)
		msg, err := SignCheckpoint(Checkpoint{Origin: origin, Size: 1, Root: long.hashes[0]}, long.signer)
		if err != nil {
			t.Fatal(err)
		}
		r.Log, r.Checkpoint = origin, string(msg)
		receipts = append(receipts, r.Encode())
		want = append(want, false)
	}
	answers := ask[[]string](t, map[string]any{"do": "receipts", "receipts": receipts, "keys": []string{l.vkey, long.vkey}})
	for i, a := range answers[0] {
		if want[i] != (a[0] == '.') {
			t.Errorf("receipt %d: Go says %v, Python %.200s: %.200q", i, want[i], a, receipts[i])
		}
	}
	for _, n := range []int{1 << 20, 1<<20 + 1} {
		l := newTestLog(t, testOrigin, 7)
		msg := l.checkpoint()
		pad := bytes.Repeat([]byte("x"), n-len(msg))
		_, _, err := OpenCheckpoint(append(pad, msg...))
		if tooLong := err != nil && strings.Contains(err.Error(), "a signed note may have"); tooLong != (n > 1<<20) {
			t.Errorf("a note of %d: %v", n, err)
		}
	}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
