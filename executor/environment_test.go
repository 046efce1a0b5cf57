package executor

import (
	"slices"
	"testing"
)

func TestPackageNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Jinja2": "jinja2", "backports.tarfile": "backports-tarfile", "a__b--.c": "a-b-c", "Send2Trash": "send2trash", "": "", "Ärger_": "ärger-",
	} {
		if got := (Package{Name: name}).NormalName(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	list := []Package{{Name: "b", Version: "1"}, {Name: "A-x", Version: "2"}, {Name: "a_x", Version: "1"}, {Name: "B", Version: "1"}, {Name: "B", Version: "1", Origin: "file:///b"}}
	slices.SortFunc(list, ComparePackages)
	want := []Package{{Name: "a_x", Version: "1"}, {Name: "A-x", Version: "2"}, {Name: "B", Version: "1"}, {Name: "B", Version: "1", Origin: "file:///b"}, {Name: "b", Version: "1"}}
	if !slices.Equal(list, want) {
		t.Errorf("sorted: %v", list)
	}
}
