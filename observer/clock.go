package observer

import (
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Tau is the length of a zeqond.
const Tau = 777 * time.Millisecond

// Clock names the rule by which a time becomes a zeqond. Every row carries its
// clock, and one chain keeps the clock of its first row: the two published
// rules are 2,310 ticks apart in 2026.
type Clock string

const (
	// ClockMS counts floor(unix milliseconds / 777). It is the default.
	ClockMS Clock = "zeqond/ms777"
	// ClockNS counts floor(unix nanoseconds / 777000777), the other published rule.
	ClockNS Clock = "zeqond/ns777000777"
)

// ErrClock says that a chain was begun with another clock than the one configured.
var ErrClock = errors.New("clock differs from the chain's")

const nsTick = 777_000_777

// ParseClock takes the name of a clock; "" is [ClockMS].
func ParseClock(name string) (Clock, error) {
	switch c := Clock(name); c {
	case "":
		return ClockMS, nil
	case ClockMS, ClockNS:
		return c, nil
	}
	return "", fmt.Errorf("unknown clock %q: use %q or %q", name, ClockMS, ClockNS)
}

// CheckClock says whether a chain goes on with the clock that is configured;
// "" is any. The chain keeps its own in any case: the error wraps ErrClock.
func CheckClock(head Head, configured Clock) error {
	if configured == "" || configured == head.Clock {
		return nil
	}
	return fmt.Errorf("%w: chain %s was begun with %s, the configuration says %s: use another slug for another clock", ErrClock, head.Slug, head.Clock, configured)
}

// At is the zeqond in which t falls, and how far into it t is, from 0 up to but
// not 1. A clock that is none of the two counts as [ClockMS]. Times before 1970
// have negative zeqonds.
func (c Clock) At(t time.Time) (zeqond int64, phase float64) {
	if c != ClockNS {
		return floor(t.UnixMilli(), int64(Tau/time.Millisecond))
	}
	// Years outside 1678 to 2262 do not fit in 64 bits of nanoseconds.
	ns := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(int64(time.Second)))
	ns.Add(ns, big.NewInt(int64(t.Nanosecond())))
	z, rest := new(big.Int).DivMod(ns, big.NewInt(nsTick), new(big.Int))
	return z.Int64(), float64(rest.Int64()) / nsTick
}

func floor(n, tick int64) (int64, float64) {
	z, rest := n/tick, n%tick
	if rest < 0 {
		z, rest = z-1, rest+tick
	}
	return z, float64(rest) / float64(tick)
}
