package params

import (
	"fmt"
	"strings"
	"time"
)

func (d Date) time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// strftime is Python's datetime.strftime in the C locale.
func strftime(d DateTime, layout string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		if i++; i == len(layout) {
			b.WriteByte('%')
			break
		}
		text, ok := strftimeField(d, layout[i])
		if !ok {
			return "", fmt.Errorf("%%%c is no part of a date's format", layout[i])
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func strftimeField(d DateTime, c byte) (string, bool) {
	t := d.Time
	two := func(n int) string { return fmt.Sprintf("%02d", n) }
	all := func(layout string) string { s, _ := strftime(d, layout); return s }
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Format("Monday"), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1), true
	case 'd':
		return two(t.Day()), true
	case 'e':
		return fmt.Sprintf("%2d", t.Day()), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Format("January"), true
	case 'm':
		return two(int(t.Month())), true
	case 'y':
		return two(t.Year() % 100), true
	case 'Y':
		return fmt.Sprint(t.Year()), true
	case 'C':
		return two(t.Year() / 100), true
	case 'H':
		return two(t.Hour()), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'I':
		return two((t.Hour()+11)%12 + 1), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	case 'M':
		return two(t.Minute()), true
	case 'S':
		return two(t.Second()), true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'U':
		return two((t.YearDay() + 6 - int(t.Weekday())) / 7), true
	case 'W':
		return two((t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7), true
	case 'V', 'G', 'g':
		year, week := t.ISOWeek()
		return map[byte]string{'V': two(week), 'G': fmt.Sprint(year), 'g': two(year % 100)}[c], true
	case 'D', 'x':
		return all("%m/%d/%y"), true
	case 'F':
		return all("%Y-%m-%d"), true
	case 'T', 'X':
		return all("%H:%M:%S"), true
	case 'R':
		return all("%H:%M"), true
	case 'r':
		return all("%I:%M:%S %p"), true
	case 'c':
		return all("%a %b %e %H:%M:%S %Y"), true
	case 's':
		return fmt.Sprint(t.Unix()), true
	case 'z', 'Z':
		return zoneText(d, c), true
	}
	return "", false
}

// zoneText is empty for a naive time, as in Python.
func zoneText(d DateTime, c byte) string {
	_, offset := d.Time.Zone()
	switch {
	case d.Naive:
		return ""
	case c == 'z':
		return d.Time.Format("-0700")
	case offset == 0:
		return "UTC"
	}
	return "UTC" + d.Time.Format("-07:00")
}
