package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// duration is a flag in seconds, as papermill has it, or in Go's form (90s, 1h30m).
type duration time.Duration

var _ pflag.Value = (*duration)(nil)

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

func (d *duration) Type() string { return "TIME" }

func (d *duration) Set(s string) error {
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err == nil && seconds <= 0, s == "":
		*d = 0 // nbclient: none, zero and negative mean no limit
		return nil
	case err == nil && seconds < math.MaxInt64/1e9:
		*d = duration(seconds * float64(time.Second))
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no time: write seconds, or 90s, 5m, 1h30m", s)
	}
	*d = duration(v)
	return nil
}

// size is a flag in bytes, with K, M, G for powers of 1024.
type size int64

var _ pflag.Value = (*size)(nil)

func (z *size) Type() string { return "SIZE" }

func (z *size) String() string {
	if *z == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*z), 10)
}

func (z *size) Set(s string) error {
	if s == "-1" {
		*z = -1
		return nil
	}
	digits := strings.TrimRight(strings.ToUpper(s), "IB")
	factor := 1.0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, factor = d, math.Pow(1024, float64(i+1))
			break
		}
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n <= 0 || n*factor > math.MaxInt64/2 {
		return fmt.Errorf("%q is no size: write bytes, or 512M, 2G", s)
	}
	*z = size(n * factor)
	return nil
}

// negated adds the flag name that switches target off, as papermill's --no-… flags do.
func negated(fs *pflag.FlagSet, target *bool, name, usage string) {
	fs.Var(&negation{target}, name, usage)
	fs.Lookup(name).NoOptDefVal = "true"
}

type negation struct{ target *bool }

func (n *negation) String() string   { return "" }
func (n *negation) Type() string     { return "bool" }
func (n *negation) IsBoolFlag() bool { return true }

func (n *negation) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err == nil {
		*n.target = !v
	}
	return err
}
