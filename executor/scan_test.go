package executor

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"plain"`:              "plain",
		`"a\nb\t\"\\\/"`:       "a\nb\t\"\\/",
		`"\u00e9\ud83d\ude00"`: "é😀",
		`"\ud800x"`:            "\xed\xa0\x80x",
		`"\ud800\ud800"`:       "\xed\xa0\x80\xed\xa0\x80",
		`12`:                   "",
		`"\\"`:                 `\`,
	} {
		if got := text([]byte(in)); got != want {
			t.Errorf("text(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestQuoteGivesBackWhatTextRead(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a\"b\\c\nd\x00\x1f", "é😀\u2028", "\xed\xa0\x80"} {
		if got := text(appendQuoted(nil, s)); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	if got, want := string(appendQuoted(nil, "\xff")), `"`+"\uFFFD"+`"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzMembers holds the scanner against encoding/json on everything that is JSON.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "a" : [1,{"b":"}"}] , "c\n":"\"\\" } `, `{"a":NaN}`, `{"a"`, `[1,2]`, `{"a":"\ud83d\ude00"}`,
		`{"name":"stdout","text":"a\nb"}`, `{,}`, `{"a":}`, `{"a":1,}`, `"`, `{"\`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := map[string]string{}
		err := members(raw, func(k, v []byte) { got[string(k)] = string(v) })
		elements(raw, func([]byte) {})
		var want map[string]json.RawMessage
		if !utf8.Valid(raw) || json.Unmarshal(raw, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		for k, v := range want {
			if _, ok := got[k]; !ok && !hasSurrogate(got) {
				t.Fatalf("%q: no member %q in %q", raw, k, got)
			}
			if g, ok := got[k]; ok && g != string(v) {
				t.Fatalf("%q: member %q is %q, want %q", raw, k, g, v)
			}
			var s string
			if v[0] == '"' && json.Unmarshal(v, &s) == nil && !hasReplacement(s) && text(v) != s {
				t.Fatalf("text(%s) = %q, want %q", v, text(v), s)
			}
		}
	})
}

func hasReplacement(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError {
			return true
		}
	}
	return false
}

func hasSurrogate(m map[string]string) bool {
	for k := range m {
		if !utf8.ValidString(k) {
			return true
		}
	}
	return false
}
