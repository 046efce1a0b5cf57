package nbdiff

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTokenText bounds how much of a cell is read for likeness, in bytes.
const maxTokenText = 64 << 10

// token is a word of a cell and how often it stands there.
type token struct{ word, count int32 }

// words holds the words of many cells, as numbers.
type words struct {
	numbers map[string]int32
	cells   []int32 // how many cells have the word
	total   int     // cells
}

// bag are the different words of a cell, sorted by number.
func (w *words) bag(source string) []token {
	var numbers []int32
	eachWord(source, func(word string) {
		n, known := w.numbers[word]
		if !known {
			n = int32(len(w.cells))
			w.numbers[word] = n
			w.cells = append(w.cells, 0)
		}
		numbers = append(numbers, n)
	})
	slices.Sort(numbers)
	var bag []token
	for _, n := range numbers {
		if k := len(bag); k > 0 && bag[k-1].word == n {
			bag[k-1].count++
			continue
		}
		bag = append(bag, token{n, 1})
		w.cells[n]++
	}
	w.total++
	return bag
}

// weight of a word: more, the fewer cells have it. Whole numbers, because the
// sums of floats may differ from one kind of machine to another.
func (w *words) weight(word int32) int {
	return 1 + bits.Len(uint(w.total/max(1, int(w.cells[word]))))
}

func (w *words) sum(bag []token) int {
	n := 0
	for _, t := range bag {
		n += int(t.count) * w.weight(t.word)
	}
	return n
}

// likeness of two bags in thousandths: twice the weight of what is in both by
// the weight of all.
func (w *words) likeness(a, b []token, sumA, sumB int) int {
	if sumA == 0 || sumB == 0 {
		return 0
	}
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].word < b[j].word:
			i++
		case a[i].word > b[j].word:
			j++
		default:
			both += int(min(a[i].count, b[j].count)) * w.weight(a[i].word)
			i, j = i+1, j+1
		}
	}
	return 2000 * both / (sumA + sumB)
}

// rarest are up to n words of a bag, those that the fewest cells have first.
func (w *words) rarest(bag []token, n int) []token {
	sorted := slices.Clone(bag)
	slices.SortFunc(sorted, func(x, y token) int {
		return cmp.Or(cmp.Compare(w.cells[x.word], w.cells[y.word]), cmp.Compare(x.word, y.word))
	})
	return sorted[:min(n, len(sorted))]
}

// eachWord cuts a source into names and numbers; a letter of a script that
// puts no space between words is one by itself. A source without words is one
// word as a whole.
func eachWord(source string, yield func(string)) {
	if len(source) > maxTokenText {
		source = source[:maxTokenText]
	}
	from, any := -1, false
	end := func(to int) {
		if from >= 0 {
			yield(source[from:to])
			from, any = -1, true
		}
	}
	for i, r := range source {
		switch {
		case r < utf8.RuneSelf && isWordByte(byte(r)), r >= utf8.RuneSelf && r < 0x2e80 && unicode.IsLetter(r):
			if from < 0 {
				from = i
			}
		case r >= 0x2e80 && r != utf8.RuneError:
			end(i)
			yield(string(r))
			any = true
		default:
			end(i)
		}
	}
	end(len(source))
	if bare := strings.TrimSpace(source); !any && bare != "" {
		yield(bare)
	}
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
