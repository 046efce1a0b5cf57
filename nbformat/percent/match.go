package percent

import (
	"slices"
	"strings"
)

// maxTable bounds the table of the longest common subsequence; beyond it
// cells are matched from the front.
const maxTable = 4_000_000

// match says for each cell of the script which cell of the notebook it is, -1
// for none: by content in order, by content anywhere, by content but for
// spacing and quotes, as the end of a longer cell, and last by place.
func match(script, notebook []cell) []int {
	m := &matcher{script: script, notebook: notebook, of: make([]int, len(script)), used: make([]bool, len(notebook))}
	for i := range m.of {
		m.of[i] = -1
	}
	m.inOrder()
	m.anywhere(func(s, n *cell) bool { return s.source == n.source })
	m.anywhere(func(s, n *cell) bool { return sameWords(s.source, n.source) })
	m.anywhere(func(s, n *cell) bool {
		end := words(s.source)
		all := words(n.source)
		return len(end) > 0 && len(end) < len(all) && slices.Equal(end, all[len(all)-len(end):])
	})
	m.byPlace()
	return m.of
}

type matcher struct {
	script, notebook []cell
	of               []int  // by cell of the script
	used             []bool // by cell of the notebook
}

func (m *matcher) pair(i, j int) { m.of[i], m.used[j] = j, true }

func same(a, b *cell) bool { return a.kind == b.kind && a.source == b.source }

// inOrder pairs the longest sequence of cells that both have.
func (m *matcher) inOrder() {
	a, b := m.script, m.notebook
	from := 0
	for from < len(a) && from < len(b) && same(&a[from], &b[from]) {
		m.pair(from, from)
		from++
	}
	na, nb := len(a), len(b)
	for na > from && nb > from && same(&a[na-1], &b[nb-1]) {
		na, nb = na-1, nb-1
		m.pair(na, nb)
	}
	rows, cols := na-from, nb-from
	if rows == 0 || cols == 0 || rows*cols > maxTable {
		return
	}
	// length[i][j] is of the sequences from row i and column j on.
	length := make([]int32, (rows+1)*(cols+1))
	at := func(i, j int) *int32 { return &length[i*(cols+1)+j] }
	for i := rows - 1; i >= 0; i-- {
		for j := cols - 1; j >= 0; j-- {
			if same(&a[from+i], &b[from+j]) {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	for i, j := 0, 0; i < rows && j < cols; {
		switch {
		case same(&a[from+i], &b[from+j]):
			m.pair(from+i, from+j)
			i, j = i+1, j+1
		case *at(i+1, j) >= *at(i, j+1):
			i++
		default:
			j++
		}
	}
}

// anywhere pairs each cell left with the first one left that is alike.
func (m *matcher) anywhere(alike func(s, n *cell) bool) {
	for i := range m.script {
		if m.of[i] >= 0 || blank(m.script[i].source) {
			continue
		}
		for j := range m.notebook {
			if !m.used[j] && m.script[i].kind == m.notebook[j].kind && alike(&m.script[i], &m.notebook[j]) {
				m.pair(i, j)
				break
			}
		}
	}
}

// byPlace pairs a cell left with the one behind its neighbour's.
func (m *matcher) byPlace() {
	next := 0
	for i := range m.script {
		if m.of[i] >= 0 {
			next = m.of[i] + 1
			continue
		}
		if next < len(m.notebook) && !m.used[next] && m.script[i].kind == m.notebook[next].kind {
			m.pair(i, next)
			next++
		}
	}
}

// words cuts a source at spaces, quotes, commas, parentheses and backslashes:
// what a formatter moves about.
func words(source string) []string {
	return strings.FieldsFunc(source, func(r rune) bool { return isSpace(r) || strings.ContainsRune(`,'"()\`, r) })
}

// sameWords: the same source, but for what a formatter may have changed.
func sameWords(a, b string) bool { return a == b || slices.Equal(words(a), words(b)) }
