package nbdiff

import (
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

const (
	markBytes = 4 << 10 // a longer line gets no marks
	markLines = 2000    // nor do the lines of a longer hunk
	markPairs = 1024    // in a hunk of more pairs lines are paired only if they are equally many
	markLike  = 400     // thousandths of two lines that are equal at their ends, to be one line
)

// Marks pairs the lines of a hunk that have most in common, in their order, and
// gives the words in which they differ: gone by the index of a line of x, fresh
// of y. A line without a partner has no marks, and neither has one beyond 4 kB.
func Marks(x, y []string) (gone, fresh map[int][]Span) {
	gone, fresh = map[int][]Span{}, map[int][]Span{}
	for _, p := range pairLines(x, y) {
		if len(x[p.a]) > markBytes || len(y[p.b]) > markBytes {
			continue
		}
		gone[p.a], fresh[p.b] = markWords(x[p.a], y[p.b])
	}
	return gone, fresh
}

func pairLines(x, y []string) []anchor {
	if len(x)*len(y) > markPairs {
		var pairs []anchor
		for i := range x {
			if len(x) == len(y) && endsAlike(x[i], y[i]) >= markLike {
				pairs = append(pairs, anchor{i, i})
			}
		}
		return pairs
	}
	// best[i][j] is the best sum for x[i:] and y[j:].
	best := make([][]int, len(x)+1)
	best[len(x)] = make([]int, len(y)+1)
	likes := make([][]int, len(x))
	for i := len(x) - 1; i >= 0; i-- {
		best[i], likes[i] = make([]int, len(y)+1), make([]int, len(y))
		for j := len(y) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if like := endsAlike(x[i], y[j]); like >= markLike {
				likes[i][j] = like
				best[i][j] = max(best[i][j], best[i+1][j+1]+like)
			}
		}
	}
	var pairs []anchor
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case likes[i][j] > 0 && best[i][j] == best[i+1][j+1]+likes[i][j]:
			pairs = append(pairs, anchor{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// endsAlike is how much of two lines is equal at their ends, in thousandths.
func endsAlike(a, b string) int {
	if len(a) == 0 || len(b) == 0 || len(a) > markBytes || len(b) > markBytes {
		return 0
	}
	n := min(len(a), len(b))
	front := 0
	for front < n && a[front] == b[front] {
		front++
	}
	back := 0
	for back < n-front && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	return 2000 * (front + back) / (len(a) + len(b))
}

// markWords marks the words in which two lines differ. The words go to go-diff
// as numbers, so that it meets neither bytes that are not UTF-8 nor a time
// limit (its DiffTimeout of 0), with either of which it is not to be trusted.
func markWords(a, b string) (gone, fresh []Span) {
	numbers := map[string]rune{}
	x, fromX := wordRunes(a, numbers)
	y, fromY := wordRunes(b, numbers)
	d := diffmatchpatch.New()
	d.DiffTimeout = 0
	i, j := 0, 0
	for _, part := range d.DiffMainRunes(x, y, false) {
		n := utf8.RuneCountInString(part.Text)
		switch part.Type {
		case diffmatchpatch.DiffDelete:
			gone = addSpan(gone, Span{fromX[i], fromX[i+n]})
			i += n
		case diffmatchpatch.DiffInsert:
			fresh = addSpan(fresh, Span{fromY[j], fromY[j+n]})
			j += n
		default:
			i, j = i+n, j+n
		}
	}
	return gone, fresh
}

func addSpan(spans []Span, s Span) []Span {
	if n := len(spans); n > 0 && spans[n-1].To == s.From {
		spans[n-1].To = s.To
		return spans
	}
	return append(spans, s)
}

// wordRunes writes each word of a line, and each character between words, as
// a rune of its own; from[i] is where the i-th begins, and the last the length.
func wordRunes(line string, numbers map[string]rune) (runes []rune, from []int) {
	for at := 0; at < len(line); {
		n := wordLength(line[at:])
		word := line[at : at+n]
		r, known := numbers[word]
		if !known {
			r = rune(len(numbers) + 1) // below the surrogates: a line has at most markBytes words
			numbers[word] = r
		}
		runes, from = append(runes, r), append(from, at)
		at += n
	}
	return runes, append(from, len(line))
}

func wordLength(s string) int {
	n := 0
	for i, r := range s {
		if !(r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)) || r >= 0x2e80 {
			break
		}
		n = i + utf8.RuneLen(r)
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(s)
	}
	return n
}
