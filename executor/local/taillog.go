package local

import (
	"fmt"
	"io"
	"sync"
)

// half is how much of the beginning and of the end of a kernel's own output is kept.
const half = 32 << 10

// tailLog keeps the beginning and the end of what is written to it.
type tailLog struct {
	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it is full
	at    int    // where the ring begins
	total int64
	copy  io.Writer // may be nil
}

func (l *tailLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copy != nil {
		if _, err := l.copy.Write(p); err != nil {
			l.copy = nil // a full disk must not stop the kernel
		}
	}
	n := len(p)
	l.total += int64(n)
	if room := half - len(l.head); room > 0 {
		k := min(room, len(p))
		l.head, p = append(l.head, p[:k]...), p[k:]
	}
	if len(p) > half {
		p = p[len(p)-half:]
	}
	if room := half - len(l.tail); room > 0 {
		k := min(room, len(p))
		l.tail, p = append(l.tail, p[:k]...), p[k:]
	}
	for len(p) > 0 {
		k := copy(l.tail[l.at:], p)
		l.at, p = (l.at+k)%half, p[k:]
	}
	return n, nil
}

// String is what was kept, with a line in the middle that counts what was not.
func (l *tailLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	gap := ""
	if left := l.total - int64(len(l.head)+len(l.tail)); left > 0 {
		gap = fmt.Sprintf("\n[… %d bytes …]\n", left)
	}
	return string(l.head) + gap + string(l.tail[l.at:]) + string(l.tail[:l.at])
}
