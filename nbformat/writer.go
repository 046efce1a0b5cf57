package nbformat

import (
	"io"
	"unicode/utf8"
)

const chunk = 64 << 10

// writer gathers text and hands it on in chunks; without out it keeps it all.
type writer struct {
	out io.Writer
	buf []byte
	n   int64
	err error
}

func (w *writer) flush() {
	if w.out == nil || w.err != nil || len(w.buf) == 0 {
		return
	}
	n, err := w.out.Write(w.buf)
	w.n += int64(n)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.err = err
	w.buf = w.buf[:0]
}

func (w *writer) full() {
	if w.out != nil && len(w.buf) >= chunk {
		w.flush()
	}
}

func (w *writer) byte(c byte) { w.buf = append(w.buf, c) }

func (w *writer) bytes(b []byte) {
	if w.out == nil || len(b) < chunk {
		w.buf = append(w.buf, b...)
		w.full()
		return
	}
	w.flush()
	if w.err != nil {
		return
	}
	n, err := w.out.Write(b)
	w.n += int64(n)
	w.err = err
}

func (w *writer) string(s string) {
	w.buf = append(w.buf, s...)
	w.full()
}

// quoted writes s as a JSON string, a piece at a time.
func (w *writer) quoted(s string, ascii bool) {
	w.byte('"')
	for len(s) > chunk {
		n := chunk
		for n > chunk-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		w.buf = appendEscaped(w.buf, s[:n], ascii)
		w.full()
		s = s[n:]
	}
	w.buf = appendEscaped(w.buf, s, ascii)
	w.byte('"')
	w.full()
}
