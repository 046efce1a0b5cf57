package nbformat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoSheets = `{"nbformat": 3, "metadata": {}, "worksheets": [
 {"cells": [
  {"cell_type": "code", "input": "1", "outputs": [ {"a": 1}, {"b": 2}, {"c": 3} ], "x": 1, "x": 2},
  {"cell_type": "markdown", "source": "y"}
 ]},
 {"cells": [
  {"cell_type": "code", "input": "z", "outputs": []}
 ]}
]}
`

// Places change notebooks of any version, and nothing around them.
func TestPlace(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(twoSheets))
	if err != nil {
		t.Fatal(err)
	}
	first := d.Cell(0)
	outputs, ok := first.Place().Get("outputs")
	if !ok || outputs.Value().Line() != 3 {
		t.Fatalf("%v on line %d", ok, outputs.Value().Line())
	}
	outputs.DeleteElems(func(i int) bool { return i != 1 })
	if b, _ := outputs.Elems()[0].Get("b"); b.Set([]byte(" null ")) != nil || b.Set([]byte("{")) == nil {
		t.Error("set")
	}
	if !first.Place().DeleteHidden("x") || first.Place().DeleteHidden("x") {
		t.Error("hidden x")
	}
	if _, ok := first.Place().Get("outputs", "no"); ok {
		t.Error("a member of an array")
	}
	d.Cell(1).Remove()
	d.Cell(1).Remove()
	want := `{"nbformat": 3, "metadata": {}, "worksheets": [
 {"cells": [
  {"cell_type": "code", "input": "1", "outputs": [ {"b": null} ], "x": 2}
 ]},
 {"cells": []}
]}
`
	if diff := cmp.Diff(want, string(d.Bytes())); diff != "" {
		t.Error(diff)
	}
	if d.Len() != 1 || d.Cell(0) != first || first.Outputs().Len() != 1 || first.Line() != 3 {
		t.Errorf("%d cells, %s on line %d", d.Len(), first.Outputs().Raw(), first.Line())
	}
	if canon, err := Canonical(d); err != nil || len(canon) == 0 {
		t.Error(err)
	}
}

func TestPlaceOfNotebook(t *testing.T) {
	t.Parallel()
	text := "{\n \"cells\": [\n  {\"id\": \"a\"},\n  {\"id\": \"b\"}\n ],\n \"metadata\": {\"x\": {\"y\": 1, \"y\": 2}},\n \"nbformat\": 4\n}"
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	x, _ := d.Root().Get("metadata", "x")
	gone := d.Cell(0)
	gone.Remove()
	gone.Remove()
	if !x.Delete("y") || x.Delete("y") || (Place{}).Delete("y") || (Place{}).Value().Kind() != Absent || gone.Index() != -1 {
		t.Error("delete")
	}
	want := "{\n \"cells\": [\n  {\"id\": \"b\"}\n ],\n \"metadata\": {\"x\": {}},\n \"nbformat\": 4\n}"
	if got := string(d.Bytes()); got != want || d.Cell(0).ID() != "b" || d.Cell(0).Index() != 0 {
		t.Error(got)
	}
	if err := d.Cell(0).SetID("c"); err != nil || d.Len() != 1 {
		t.Error(err)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	if _, err := ParseTree([]byte("[1,")); err == nil {
		t.Error("no error")
	}
	tree, err := ParseTree([]byte(" [1, [2 , 3]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := tree.Root().Elems()[1]
	if err := list.Elems()[0].Set([]byte(`"x"`)); err != nil {
		t.Fatal(err)
	}
	if got := string(tree.Bytes()); got != " [1, [\"x\" , 3]]\n" {
		t.Error(got)
	}
}
