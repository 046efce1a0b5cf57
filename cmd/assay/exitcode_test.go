package main

import (
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"testing"
)

func codeFrom(err error) string {
	var e *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &e):
		return strconv.Itoa(e.ExitCode())
	}
	return err.Error()
}

func TestJoinPairs(t *testing.T) {
	for _, c := range []struct {
		in, want []string
	}{
		{[]string{"run", "a", "-p", "x", "1"}, []string{"run", "a", "--parameters=x\x001"}},
		{[]string{"run", "-px", "1", "-r", "y", "-5"}, []string{"run", "--parameters=x\x001", "--parameters_raw=y\x00-5"}},
		{[]string{"run", "--parameters", "x", "-p", "b"}, []string{"run", "--parameters=x\x00-p", "b"}},
		{[]string{"run", "--parameters_raw=x", "v"}, []string{"run", "--parameters_raw=x\x00v"}},
		{[]string{"run", "--", "-p", "x"}, []string{"run", "--", "-p", "x"}},
		{[]string{"run", "--prepare-only", "--papermill-compat"}, []string{"run", "--prepare-only", "--papermill-compat"}},
		{[]string{"fmt", "-p"}, []string{"fmt", "-p"}},
	} {
		got, err := joinPairs(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("joinPairs(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	if _, err := joinPairs([]string{"run", "-p", "x"}); err == nil {
		t.Error("a name without a value passes")
	}
}
