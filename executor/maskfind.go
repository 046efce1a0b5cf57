package executor

import (
	"math"
	"slices"
	"strings"
)

// masker replaces secrets, and the forms in which they come (maskforms.go), by
// "[secret NAME]". A nil masker changes nothing.
type masker struct {
	first [256][]needle // by the first byte, the longest first
	short int           // length of the shortest needle
	// skip tells for two bytes of a text how far behind them the next place is
	// at which they could be the end of a needle's first short bytes (Wu and
	// Manber's search for many words), so that most bytes are never looked at.
	skip [1 << 16]uint8
}

// needle is a text that must not show, and the secret that it tells.
type needle struct{ text, name string }

func newMasker(secrets []Secret) *masker {
	var needles []needle
	known := map[string]bool{}
	for _, s := range secrets {
		for _, form := range s.Forms() {
			if !known[form] {
				known[form] = true
				needles = append(needles, needle{form, s.Name})
			}
		}
	}
	if len(needles) == 0 {
		return nil
	}
	slices.SortStableFunc(needles, func(a, b needle) int { return len(b.text) - len(a.text) })
	k := &masker{short: min(len(needles[len(needles)-1].text), math.MaxUint8)}
	for i := range k.skip {
		k.skip[i] = uint8(k.short - 1)
	}
	for _, n := range needles {
		k.first[n.text[0]] = append(k.first[n.text[0]], n)
		for i := 1; i < k.short; i++ {
			two := &k.skip[pair(n.text, i)]
			*two = min(*two, uint8(k.short-1-i))
		}
	}
	return k
}

// pair is the two bytes of s that end with s[i], as one number.
func pair(s string, i int) int { return int(s[i-1])<<8 | int(s[i]) }

// find is the first place at or after from where a needle stands, and the
// longest that stands there. In an open text, to which more may be added, a
// place from where s may become a longer needle counts as well; found is empty then.
func (k *masker) find(s string, from int, open bool) (at int, found needle, ok bool) {
	for at = from; at+k.short <= len(s); at++ {
		if k.short > 1 {
			if far := int(k.skip[pair(s, at+k.short-1)]); far > 0 {
				at += far - 1
				continue
			}
		}
		if n, ok := k.stands(s[at:], open); ok {
			return at, n, true
		}
	}
	for ; open && at < len(s); at++ {
		if n, ok := k.stands(s[at:], open); ok {
			return at, n, true
		}
	}
	return len(s), needle{}, false
}

// stands is the longest needle that s begins with, or an empty one where s is
// open and may become it.
func (k *masker) stands(s string, open bool) (needle, bool) {
	of := k.first[s[0]]
	for i := range of {
		switch {
		case strings.HasPrefix(s, of[i].text):
			return of[i], true
		case open && strings.HasPrefix(of[i].text, s):
			return needle{}, true
		}
	}
	return needle{}, false
}
