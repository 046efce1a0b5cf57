package nbdiff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/nbdiff"
	"assay/nbformat"
)

// Texts and notebooks that are made to be slow: each took minutes where the
// work grew with the square of its size, and takes a fraction of a second.
func TestHostileInputIsNotSlow(t *testing.T) {
	t.Parallel()
	numbered := func(prefix string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"%s%d"`, prefix, i))
		}
		return strings.Join(all, ",")
	}
	tagged := func(prefix string) *nbformat.Document {
		return parse(t, `{"cells":[{"cell_type":"raw","id":"a","metadata":{"tags":[`+numbered(prefix, 60_000)+`]},"source":"abc"}],"metadata":{},"nbformat":4,"nbformat_minor":5}`)
	}
	nested := func(word string) *nbformat.Document {
		value := strings.Repeat(`{"a":`, 500) + `{"k":"` + word + `","numbers":[1` + strings.Repeat(",1.5", 4000) + `]}` + strings.Repeat("}", 500)
		return parse(t, `{"cells":[],"metadata":{"m":`+value+`},"nbformat":4,"nbformat_minor":5}`)
	}
	sameID := func(word string) *nbformat.Document {
		cells := slices.Repeat([]string{`{"cell_type":"raw","id":"a","metadata":{},"source":""}`}, 20_000)
		return parse(t, `{"cells":[`+strings.Join(cells, ",")+`],"metadata":{"w":"`+word+`"},"nbformat":4,"nbformat_minor":5}`)
	}
	merge := func(base, local, remote *nbformat.Document) {
		if _, err := nbdiff.Merge(base, local, remote, nil); err != nil {
			t.Error(err)
		}
	}
	cases := map[string]func(){
		"a unique line in each part that the one before leaves": func() {
			var a, b []string
			for k := 20_000; k > 0; k-- {
				a, b = append(a, fmt.Sprint(k), fmt.Sprint(k+1), "y"), append(b, fmt.Sprint(k), "y", fmt.Sprint(k+1))
			}
			nbdiff.Lines(a, b)
		},
		"a long equal end behind texts without an equal line": func() {
			text := func(first, last string) []string {
				return strings.Split(strings.Repeat(first+" ", 400_000)+strings.Repeat("x ", 400_000)+last, " ")
			}
			nbdiff.Lines(text("a", "a b"), text("b", "b a"))
		},
		"many tags":           func() { merge(tagged("b"), tagged("l"), tagged("r")) },
		"deep metadata":       func() { merge(nested("b"), nested("l"), nested("r")) },
		"one id, many cells":  func() { merge(sameID("b"), sameID("b"), sameID("r")) },
		"deep, one side only": func() { merge(nested("b"), nested("l"), nested("b")) },
	}
	for name, run := range cases {
		began := time.Now()
		run()
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// A member of the top level that one side took out was null in the result.
func TestMergeTakesOutMembersOfTheNotebook(t *testing.T) {
	t.Parallel()
	const with, without = `{"cells":[],"extra":{"a":1},"metadata":{},"nbformat":4,"nbformat_minor":5}`, `{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}`
	for _, sides := range [][2]string{{with, without}, {without, with}} {
		m, err := nbdiff.Merge(parse(t, with), parse(t, sides[0]), parse(t, sides[1]), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(m.Doc.Bytes()); got != without {
			t.Errorf("the result is %s", got)
		}
	}
}

// A text or a list that gets what is none was changed without a word: "5" for
// a line made the line go.
func TestPatchRefusesValuesOfTheWrongKind(t *testing.T) {
	t.Parallel()
	a := parse(t, `{"cells":[{"cell_type":"raw","id":"a","metadata":{},"source":"x\ny\n"}],"metadata":{},"nbformat":4,"nbformat_minor":5}`)
	source := func(op string) string {
		return `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"source","diff":[` + op + `]}]}]}]`
	}
	for diff, want := range map[string]string{
		`[{"op":"patch","key":"cells","diff":[{"op":"addrange","key":0,"valuelist":"abc"}]}]`:  "addrange brings a string into a list",
		source(`{"op":"replace","key":0,"value":5}`):                                           "replace brings a number into a text",
		source(`{"op":"addrange","key":0,"valuelist":["x",{}]}`):                               "addrange brings an array into a text",
		source(`{"op":"patch","key":0,"diff":[{"op":"addrange","key":0,"valuelist":[null]}]}`): "addrange brings an array into a text",
		source(`{"op":"patch","key":0,"diff":[{"op":"add","key":0,"value":true}]}`):            "add brings a boolean into a text",
	} {
		if _, err := nbdiff.Patch(a, []byte(diff)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", diff, err)
		}
	}
}
