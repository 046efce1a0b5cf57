package nbformat

// node is one value of the tree over the file. A node is closed until someone
// needs its parts, and is written back verbatim until something in it changed.
type node struct {
	raw   []byte // its text, nil when gen makes it
	off   int    // of raw in the file, -1 for what an edit made
	gen   generator
	kids  []member // of an open array or object
	open  bool
	dirty bool
	void  []byte // the space inside an open container without kids
}

// generator makes a value's text when it is written and not before.
type generator interface{ render(w *writer) }

// member is one element of an array or member of an object, with the space around it.
type member struct {
	pre  []byte // before it
	key  []byte // quoted, nil in an array
	mid  []byte // between key and value, with the colon
	val  *node
	post []byte // behind it, before the comma or the closing bracket
}

func (n *node) kind() Kind {
	if n.raw == nil {
		return Array // generators make outputs, which are arrays
	}
	return Value{raw: n.raw}.Kind()
}

// isText says whether a closed node is the string s.
func (n *node) isText(s string) bool {
	return len(n.raw) > 0 && n.raw[0] == '"' && unquote(n.raw) == s
}

// text is the node as it stands now.
func (n *node) text() []byte {
	if !n.dirty {
		return n.raw
	}
	w := writer{}
	n.write(&w)
	return w.buf
}

func (n *node) write(w *writer) {
	switch {
	case n.gen != nil:
		n.gen.render(w)
	case !n.dirty:
		w.bytes(n.raw)
	default:
		n.writeKids(w)
	}
}

func (n *node) writeKids(w *writer) {
	w.bytes(n.raw[:1])
	for i := range n.kids {
		m := &n.kids[i]
		if i > 0 {
			w.byte(',')
		}
		w.bytes(m.pre)
		w.bytes(m.key)
		w.bytes(m.mid)
		m.val.write(w)
		w.bytes(m.post)
	}
	if len(n.kids) == 0 {
		w.bytes(n.void)
	}
	w.bytes(n.raw[len(n.raw)-1:])
}

// expand opens a container whose text has been checked.
func (n *node) expand() {
	if n.open || n.gen != nil {
		return
	}
	if k := n.kind(); k != Array && k != Object {
		return
	}
	s := scanner{b: n.raw, maxDepth: maxInt}
	p := parser{scanner: s, base: n.off, nodes: make([]node, 0, 4)} // most metadata has few members
	p.container(n, nil)
}

// find is the index of the member called key, the last if there are many, or -1.
func (n *node) find(key string) int {
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].key != nil && keyIs(n.kids[i].key, key) {
			return i
		}
	}
	return -1
}

// child is the value of the member called key, nil without one.
func (n *node) child(key string) *node {
	if i := n.find(key); i >= 0 {
		return n.kids[i].val
	}
	return nil
}

// insert puts m at place i of an open container. The space that stood before
// the closing bracket stays there.
func (n *node) insert(i int, m member) {
	n.dirty = true
	if i == len(n.kids) && i > 0 {
		last := &n.kids[i-1]
		m.post, last.post = last.post, nil
	}
	n.kids = append(n.kids, member{})
	copy(n.kids[i+1:], n.kids[i:])
	n.kids[i] = m
}

// remove takes member i out of an open container.
func (n *node) remove(i int) {
	n.dirty = true
	switch last := len(n.kids) - 1; {
	case i == 0 && last > 0:
		n.kids[1].pre = n.kids[0].pre
	case i == last && i > 0:
		n.kids[i-1].post = n.kids[i].post
	}
	n.kids = append(n.kids[:i], n.kids[i+1:]...)
	n.void = nil
}

// removeAll takes all parts out for which gone is true, in one pass; the space
// at both ends stays, as with remove.
func (n *node) removeAll(gone func(i int) bool) bool {
	if len(n.kids) == 0 {
		return false
	}
	pre, post := n.kids[0].pre, n.kids[len(n.kids)-1].post
	kept := n.kids[:0]
	for i, k := range n.kids {
		if !gone(i) {
			kept = append(kept, k)
		}
	}
	if len(kept) == len(n.kids) {
		return false
	}
	if len(kept) > 0 {
		kept[0].pre, kept[len(kept)-1].post = pre, post
	}
	clear(n.kids[len(kept):])
	n.kids, n.void, n.dirty = kept, nil, true
	return true
}

// parser is a scanner that keeps what it passes.
type parser struct {
	scanner
	base    int // of the text in the file, -1 when it is not there
	nodes   []node
	scratch []member
}

func (p *parser) newNode(from, to int) *node {
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = make([]node, 0, min(256, 16+2*cap(p.nodes)))
	}
	off := -1
	if p.base >= 0 {
		off = p.base + from
	}
	p.nodes = append(p.nodes, node{raw: p.b[from:to:to], off: off})
	return &p.nodes[len(p.nodes)-1]
}

// deeper says whether the value of key is to be opened too, and by what rule.
type deeper func(key []byte) (deeper, bool)

// container opens the array or object at the position into n.
func (p *parser) container(n *node, next deeper) bool {
	start := p.pos
	object := p.b[start] == '{'
	closing := p.b[start] + 2 // ']' and '}' stand two behind their opening ones
	what := "',' or '" + string(rune(closing)) + "'"
	mark := p.pos + 1
	if !p.enter() {
		return false
	}
	low := len(p.scratch)
	n.open = true
	if p.pos < len(p.b) && p.b[p.pos] == closing {
		n.void = p.b[mark:p.pos]
		p.pos++
		p.depth--
		n.raw = p.b[start:p.pos:p.pos]
		return true
	}
	for {
		m := member{pre: p.b[mark:p.pos]}
		if object {
			from := p.pos
			if from >= len(p.b) || p.b[from] != '"' {
				return p.expected("a name in double quotes")
			}
			if !p.str() {
				return false
			}
			m.key = p.b[from:p.pos]
			if !p.colon() {
				return false
			}
			m.mid = p.b[from+len(m.key) : p.pos]
		}
		if !p.memberValue(&m, next) {
			return false
		}
		mark = p.pos
		p.space()
		m.post = p.b[mark:p.pos]
		p.scratch = append(p.scratch, m)
		if p.pos >= len(p.b) || p.b[p.pos] != ',' && p.b[p.pos] != closing {
			return p.expected(what)
		}
		p.pos++
		if p.b[p.pos-1] == closing {
			break
		}
		mark = p.pos
		p.space()
	}
	n.kids = append([]member(nil), p.scratch[low:]...)
	p.scratch = p.scratch[:low]
	p.depth--
	n.raw = p.b[start:p.pos:p.pos]
	return true
}

func (p *parser) memberValue(m *member, next deeper) bool {
	from := p.pos
	if next != nil && from < len(p.b) && (p.b[from] == '{' || p.b[from] == '[') {
		if then, ok := next(m.key); ok {
			m.val = p.newNode(from, from)
			return p.container(m.val, then)
		}
	}
	if !p.value() {
		return false
	}
	m.val = p.newNode(from, p.pos)
	return true
}
