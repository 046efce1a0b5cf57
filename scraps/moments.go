package scraps

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go/format"
)

// perSecond is how many of a unit make a second.
func perSecond(u *format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return 1e3
	case *format.MicroSeconds:
		return 1e6
	}
	return 1e9
}

// timestamp is an ISO 8601 date and time, with a Z when the file means UTC.
func timestamp(n int64, u *format.TimeUnit, utc bool) string {
	per := perSecond(u)
	sec, rest := n/per, n%per
	layout := "2006-01-02T15:04:05.999999999"
	if utc {
		layout += "Z"
	}
	return time.Unix(sec, rest*(1e9/per)).UTC().Format(layout)
}

func timeOfDay(n int64, u *format.TimeUnit) string {
	per := perSecond(u)
	return time.Unix(n/per, n%per*(1e9/per)).UTC().Format("15:04:05.999999999")
}

// isoDuration writes a timedelta as pandas does in JSON: P1DT2H3M4.5S.
func isoDuration(n int64, unit string) string {
	per := map[string]int64{"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
	if per == 0 {
		per = 1e9
	}
	days, rest := n/(86400*per), n%(86400*per)
	if rest < 0 { // pandas counts up from the day before
		days, rest = days-1, rest+86400*per
	}
	sec, frac := rest/per, rest%per*(1e9/per)
	s := fmt.Sprintf("P%dDT%dH%dM%d", days, sec/3600, sec/60%60, sec%60)
	if frac != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%09d", frac), "0")
	}
	return s + "S"
}

// bigEndian is a two's complement number of any length.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// decimal writes n times 10 to the power -scale, with all its digits.
func decimal(n *big.Int, scale int) string {
	if scale <= 0 || scale > 1000 {
		return n.String()
	}
	s := new(big.Int).Abs(n).String()
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}
