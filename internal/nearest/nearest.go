// Package nearest suggests the name that was meant where another was typed.
package nearest

import "strings"

// maxLetters bounds the work: longer names are nobody's slip of the finger, and
// the names of a notebook are a stranger's.
const maxLetters = 100

// Name is the one of names that name was most likely meant to be: at most two
// slips away, or a third of its letters if that is more, and not another word
// altogether; capitals do not count. It is "" when none is near, and the first
// of those that are equally near.
func Name(name string, names []string) string {
	typed := letters(name)
	best, at := "", max(2, len(typed)/3)+1
	if len(typed) > maxLetters {
		return ""
	}
	for _, n := range names {
		if len(n) > 4*maxLetters { // bytes: no letter has more than four
			continue
		}
		known := letters(n)
		if d := distance(typed, known); d < at && d < max(len(typed), len(known)) {
			best, at = n, d
		}
	}
	return best
}

func letters(s string) []rune { return []rune(strings.ToLower(s)) }

// distance is Levenshtein's: how many letters to change, add or take away.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1) // of a's letters so far to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
