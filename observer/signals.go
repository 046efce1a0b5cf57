package observer

import (
	"math"
	"slices"
)

// SignalsVersion is the version of the definitions below, hf:1.
const SignalsVersion = 1

// Window is how many earlier rows the signals of a row look at.
const Window = 1024

// What hf:1 counts over.
const (
	decayZeqonds   = 30  // hf6
	clusterZeqonds = 30  // hf12
	spreadZeqonds  = 24  // hf14
	spreadFull     = 200 // hf14: as many rows as the contract's outbox holds
	entropyMin     = 32  // hf18: fewer gaps say nothing
)

// Signals are the five HF signals, each from 0 to 1 with six decimals, or nil
// where there is nothing to tell. The definitions are ours and versioned;
// they are inspired by the published ones, which contradict each other, and
// leave out their 1.287 Hz carrier, which nobody could reproduce.
type Signals struct {
	Version int      `json:"v"`
	HF6     *float64 `json:"hf6"`      // exp(-d/30), d zeqonds since the user event before
	HF8     *float64 `json:"hf8"`      // |interval of heartbeats - 8 tau| / 8 tau by the monotonic clock, at most 1
	HF8Flag bool     `json:"hf8_flag"` // hf8 is above 0.001
	HF12    *float64 `json:"hf12"`     // share of the commonest type among the rows of the last 30 zeqonds
	HF14    *float64 `json:"hf14"`     // rows of the last 24 zeqonds / 200, at most 1
	HF18    *float64 `json:"hf18"`     // permutation entropy (order 3) of the last 1,024 gaps, of its maximum; nil below 32 gaps
	SkewMS  *int64   `json:"skew_ms"`  // wall clock less monotonic clock over that heartbeat interval
}

// Past is what the signals need of an earlier row.
type Past struct {
	Zeqond int64
	Type   string
}

// Cadence is how well the heartbeat of a process keeps time.
type Cadence struct {
	Drift  float64 // |interval - 8 tau| / 8 tau
	SkewMS int64   // wall less monotonic
}

// cadenceFlag is the drift above which the contract wants a report: 0.1 % of tau.
const cadenceFlag = 0.001

// signals computes hf:1 at zeqond now over the rows up to now, oldest first. HF6 is the caller's.
func signals(rows []Past, now int64, c *Cadence) Signals {
	s := Signals{Version: SignalsVersion, HF12: commonest(rows, now), HF18: entropy(rows)}
	s.HF14 = share(min(len(since(rows, now-spreadZeqonds)), spreadFull), spreadFull)
	if c != nil {
		drift, skew := round(min(c.Drift, 1)), c.SkewMS
		s.HF8, s.SkewMS, s.HF8Flag = &drift, &skew, drift > cadenceFlag
	}
	return s
}

func decay(zeqonds int64) *float64 {
	v := round(math.Exp(-float64(max(zeqonds, 0)) / decayZeqonds))
	return &v
}

func commonest(rows []Past, now int64) *float64 {
	rows = since(rows, now-clusterZeqonds)
	if len(rows) == 0 {
		return nil
	}
	counts, most := map[string]int{}, 0
	for _, r := range rows {
		counts[r.Type]++
		most = max(most, counts[r.Type])
	}
	return share(most, len(rows))
}

// entropy is the permutation entropy of the gaps between rows: 0 when every
// three neighbouring gaps stand in the same order, 1 when all six orders are
// equally common. Equal gaps count as rising.
func entropy(rows []Past) *float64 {
	if len(rows)-1 < entropyMin {
		return nil
	}
	var counts [6]int
	for i := range len(rows) - 3 {
		counts[order(rows[i+1].Zeqond-rows[i].Zeqond, rows[i+2].Zeqond-rows[i+1].Zeqond, rows[i+3].Zeqond-rows[i+2].Zeqond)]++
	}
	total, h := float64(len(rows)-3), 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / total
			h -= p * math.Log2(p)
		}
	}
	v := round(h/math.Log2(6) + 0) // + 0: no negative zero in the row
	return &v
}

// order numbers the six orders in which three gaps can stand.
func order(a, b, c int64) int {
	switch {
	case a <= b && b <= c:
		return 0
	case a <= c && c < b:
		return 1
	case b < a && a <= c:
		return 2
	case c < a && a <= b:
		return 3
	case b <= c && c < a:
		return 4
	}
	return 5
}

// since are the rows after zeqond z.
func since(rows []Past, z int64) []Past {
	i, _ := slices.BinarySearchFunc(rows, z+1, func(r Past, z int64) int { return int(min(max(r.Zeqond-z, -1), 1)) })
	return rows[i:]
}

func share(n, of int) *float64 {
	v := round(float64(n) / float64(of))
	return &v
}

// tail copies the last n of rows, with room for one more.
func tail(rows []Past, n int) []Past {
	rows = rows[max(0, len(rows)-n):]
	return append(make([]Past, 0, len(rows)+1), rows...)
}
