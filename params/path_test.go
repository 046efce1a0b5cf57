package params

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func testBuiltins() Builtins {
	return Builtins{
		RunUUID: "7b1c8a52-0000-4000-8000-123456789abc",
		Now:     time.Date(2024, 2, 9, 5, 7, 3, 42000, time.FixedZone("EET", 2*3600)),
	}
}

func TestExpandPathVectors(t *testing.T) {
	t.Parallel()
	vs := readVectors(t)
	for _, v := range vs.Path {
		m := testValue(t, v.Params).(*Map)
		got, err := expandPath(v.Path, m, Builtins{}, true)
		if (err != nil) != (v.OK == nil) || v.OK != nil && got != *v.OK {
			t.Errorf("%s: got %s, %v; want %v %s", v.Path, got, err, v.OK, v.Error)
		}
		// By default the same, but no attribute is read.
		got, err = ExpandPath(v.Path, m, Builtins{})
		if attribute := v.Path == "{a.real}"; (err != nil) != (v.OK == nil || attribute) || v.OK != nil && !attribute && got != *v.OK {
			t.Errorf("%s: got %s, %v by default", v.Path, got, err)
		}
	}
	if len(vs.Path) != 25 {
		t.Errorf("%d vectors", len(vs.Path))
	}
}

func TestExpandPathAgainstPython(t *testing.T) {
	t.Parallel()
	values := map[string]Value{
		"0": int64(0), "42": int64(42), "-7": int64(-7), "1234567": int64(1234567), "2**80": bigInt("1208925819614629174706176"),
		"0.0": 0.0, "-0.0": negZero(), "1.5": 1.5, "-1234.5678": -1234.5678, "1e16": 1e16, "1e-7": 1e-7, "123456789.123": 123456789.123, "0.1": 0.1, "99999.95": 99999.95, "9.5": 9.5, "1e300": 1e300, "nan": nan(), "inf": inf(), "-inf": -inf(),
		"True": true, "False": false, "None": nil, "''": "", "'x'": "x", "'héllo wörld'": "héllo wörld", "[1, 'x']": []Value{int64(1), "x"},
	}
	specs := []string{
		"", "d", "5", "05", "<5", ">5", "^5", "=5", "*^9", "é>8", "+", "-", " ", "+d", " d", "+08d", "08.2f", ",", ",d", "_", "_d", "012,", "015,d", "08,.2f", "020,.3f", "x", "X", "#x", "#X", "#010x", "b", "#b", "o", "#o", "_x", "_b", "c", "n", "s", "10s", ".2s", "5.1s", ".3", ".0", "10.3", ".1", ".10", ".17", "e", "E", ".0e", ".2e", "#.0e", "f", "F", ".0f", ".2f", "#.0f", "g", "G", ".3g", "#g", "#.3g", ".0g", "%", ".0%", ".1%", "z", "z.1f", "zf", "+z.0f", "10.2%", "<10.2f", "=+10.2f", "*=10", "0=10", "0<10", "x<10", ",.2f", "_.2f", ",e", ",%", ",x", "q", "dd", "5x5", ".", "d5", "{", "#", "#d", "0", "00", "1", ",g", "=^5", "<<5", "#.2", "+.3", "06", "-5", "+5", "5.", ",,", "_,", "08", "0>8", "0^9", "010x", "#_x", "^+9.1f", "099999999999",
	}
	var cases [][]any
	var mine []Value
	for expr, v := range values {
		for _, s := range specs {
			cases = append(cases, []any{"path", "{a:" + s + "}", "{'a': " + expr + "}"})
			mine = append(mine, v)
		}
	}
	for _, tmpl := range []string{
		"{a!r}", "{a!s:>5}", "{a!a}", "{a!x}", "{a!}", "{a!r", "{a!rx}", "{a", "a}", "{{{a}}}", "{{a}}", "{a}{a}", "{a:{w}}", "{a:{w}.{w}}", "{a:{}}", "{a:{a:{w}}}", "{a[", "{a[]}", "{a[0}", "{a[0]x}", "{a..b}", "{a.}", "{[0]}", "{a[0]}", "{a[1]}", "{a[5]}", "{a[-1]}", "{a[x]}", "{m[k]}", "{m[q]}", "{m[1]}", "{m[l][1]}", "{m[l][9]}", "{m[a b]}", "{m[{]}", "{m[}]}", "{m[!]}", "{m[:]}", "{ a}", "{a }", "{}", "{0}", "{-1}", "{a:{nope}}", "{nope}", "{nope[x]}", "{a!r:<6}|", "{", "}", "{{", "}}", "{{}", "{}}", "x{{y", "é{a}☃", "{é}", "{m}", "{l}", "{l!r}", "{l:5}", "{m:5}", "{l[2]!r:>9}",
		"{pm[run_uuid]}", "{pm[run_uuid]:.8}", "{pm[current_datetime_utc]}", "{pm[current_datetime_local]}", "{pm[current_datetime_utc]!r}", "{pm[nope]}", "{pm[current_datetime_utc]:%Y-%m-%d}", "{pm[current_datetime_utc]:%Y%m%dT%H%M%S.%f%z %Z}", "{pm[current_datetime_local]:%a %A %w %d %b %B %m %y %Y %H %I %p %M %S %f %z|%Z %j %U %W %c %x %X %% %G %u %V}", "{pm[current_datetime_utc]:%F %T %D %e %R %r %h %C %s}", "{pm[current_datetime_local]:x}", "{pm[current_datetime_utc]:}",
	} {
		cases = append(cases, []any{"path", tmpl, "{'a': 'hé', 'w': 6, 'é': 1, 'l': [1, 'x', None, True, 1.5], 'm': {'k': 'v', 'l': [1, 2], 'a b': 3, '{': 4, '}': 5, '!': 6, ':': 7}}"})
		m := new(Map)
		inner := new(Map)
		inner.Set("k", "v")
		inner.Set("l", []Value{int64(1), int64(2)})
		for i, k := range []string{"a b", "{", "}", "!", ":"} {
			inner.Set(k, int64(i+3))
		}
		m.Set("a", "hé")
		m.Set("w", int64(6))
		m.Set("é", int64(1))
		m.Set("l", []Value{int64(1), "x", nil, true, 1.5})
		m.Set("m", inner)
		mine = append(mine, m)
	}
	bad := 0
	for i, a := range oracle(t, cases) {
		m, ok := mine[i].(*Map)
		if !ok {
			m = new(Map)
			m.Set("a", mine[i])
		}
		want := "error"
		if a.Error == "" {
			want = a.text(t)
		}
		got, err := ExpandPath(cases[i][1].(string), m, testBuiltins())
		if err != nil {
			got = "error"
		}
		if got != want {
			bad++
			if bad < 60 {
				t.Errorf("%s %s: got %s (%v), want %s %s", cases[i][1], cases[i][2], got, err, want, a.Error)
			}
		}
	}
	t.Logf("%d templates, %d differ", len(cases), bad)
}

func TestExpandPathErrors(t *testing.T) {
	t.Parallel()
	m := new(Map)
	m.Set("token", NewSecret("token", "@env:T", "hunter22"))
	m.Set("a", int64(1))
	_, err := ExpandPath("out/{foo}.ipynb", m, Builtins{})
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Name != "foo" || err.Error() != "Missing parameter 'foo'" {
		t.Errorf("got %v", err)
	}
	for tmpl, want := range map[string]string{
		"{token}": "secret", "{a.real}": "attributes", "{": "double it", "{}": "double the braces", "{a:d": "without its", "{a[0]}": "no such part",
	} {
		if _, err := ExpandPath(tmpl, m, Builtins{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprint(err), "hunter22") {
			t.Errorf("%s: got %v", tmpl, err)
		}
	}
}

func FuzzExpandPath(f *testing.F) {
	for _, s := range []string{"{a:03d}", "{m[k]!r:>5}", "{pm[current_datetime_utc]:%Y}", "{{}}", "{a:{a}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tmpl string) {
		m := new(Map)
		m.Set("a", int64(1))
		m.Set("f", 2.5)
		m.Set("m", new(Map))
		_, _ = ExpandPath(tmpl, m, testBuiltins())
	})
}
