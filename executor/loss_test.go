package executor

import (
	"fmt"
	"testing"
)

// The reply to the first request may be seen before the messages that the
// kernel sent ahead of it: what of them never comes is lost all the same.
func TestReplyOvertakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		theirs []int // numbers of messages that answer others, behind the first of ours
		ours   []int
		lost   int
	}{
		{"in order", nil, []int{15, 16, 17, 21, 22, 23}, 3},
		{"the reply first", nil, []int{22, 15, 16, 17, 21, 23}, 3},
		{"the reply first, nothing lost", nil, []int{19, 15, 16, 17, 18, 20}, 0},
		{"the first of ours lost", nil, []int{19, 16, 17, 18, 20}, 0},
		{"behind others' messages", []int{14, 13}, []int{22, 15, 16, 17, 21, 23}, 3},
		{"halfway", nil, []int{17, 19, 15, 18, 20}, 1},
	} {
		l := newLosses("s")
		note := func(n int, ours bool) {
			if _, got, ok := l.note(fmt.Sprintf("s_7_%d", n), ours); !ok || got != int64(n) {
				t.Fatalf("%s: number %d, %v", c.name, got, ok)
			}
		}
		note(c.ours[0], true)
		for _, n := range c.theirs {
			note(n, false)
		}
		for _, n := range c.ours[1:] {
			note(n, true)
		}
		if lost := l.settle(); lost != c.lost {
			t.Errorf("%s: %d lost, want %d", c.name, lost, c.lost)
		}
	}
}
