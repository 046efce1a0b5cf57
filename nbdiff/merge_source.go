package nbdiff

import (
	"slices"
	"strings"
)

// mergeLines are the lines of a source without their ends, so that the last
// line is like any other; a source that ends in \n has an empty line there.
func mergeLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// sources merges the lines of a text.
type sources struct {
	base, local, remote []string
	o                   *MergeOptions
	out                 []string
	conflicts           []int // the lines of out, from 1, that a conflict begins on
}

// mergeSource merges a source by lines, and tells the lines that its conflicts begin on.
func mergeSource(base, local, remote string, o *MergeOptions) (string, []int) {
	switch {
	case local == remote, remote == base:
		return local, nil
	case local == base:
		return remote, nil
	}
	s := sources{base: mergeLines(base), local: mergeLines(local), remote: mergeLines(remote), o: o}
	s.run(Lines(s.base, s.local), Lines(s.base, s.remote))
	return strings.Join(s.out, "\n"), s.conflicts
}

// run goes through the base: what one side changed is taken, and where the
// hunks of both touch they are settled together, as git does.
func (s *sources) run(l, r []Hunk) {
	at, shiftL, shiftR := 0, 0, 0
	for len(l) > 0 || len(r) > 0 {
		low := len(s.base)
		if len(l) > 0 {
			low = l[0].A0
		}
		if len(r) > 0 {
			low = min(low, r[0].A0)
		}
		s.out = append(s.out, s.base[at:low]...)
		high := low
		fromL, fromR := low+shiftL, low+shiftR
		nl, nr := 0, 0
		for grew := true; grew; {
			grew = false
			for ; nl < len(l) && l[nl].A0 <= high; nl++ {
				high, grew = max(high, l[nl].A1), true
				shiftL += (l[nl].B1 - l[nl].B0) - (l[nl].A1 - l[nl].A0)
			}
			for ; nr < len(r) && r[nr].A0 <= high; nr++ {
				high, grew = max(high, r[nr].A1), true
				shiftR += (r[nr].B1 - r[nr].B0) - (r[nr].A1 - r[nr].A0)
			}
		}
		s.settle(s.base[low:high], s.local[fromL:high+shiftL], s.remote[fromR:high+shiftR])
		at, l, r = high, l[nl:], r[nr:]
	}
	s.out = append(s.out, s.base[at:]...)
}

// settle decides over one stretch that either side, or both, changed.
func (s *sources) settle(base, local, remote []string) {
	switch {
	case slices.Equal(local, remote), slices.Equal(remote, base):
		s.out = append(s.out, local...)
	case slices.Equal(local, base):
		s.out = append(s.out, remote...)
	default:
		s.conflict(local, remote)
	}
}

// conflictGap is the most equal lines between two conflicts that become one.
const conflictGap = 3

// conflict shows only what differs: lines that both sides have stand outside.
func (s *sources) conflict(local, remote []string) {
	hunks := Lines(local, remote)
	at := 0
	for i := 0; i < len(hunks); i++ {
		h := hunks[i]
		for i+1 < len(hunks) && hunks[i+1].A0-h.A1 <= conflictGap {
			i++
			h.A1, h.B1 = hunks[i].A1, hunks[i].B1
		}
		s.out = append(s.out, local[at:h.A0]...)
		s.differ(local[h.A0:h.A1], remote[h.B0:h.B1])
		at = h.A1
	}
	s.out = append(s.out, local[at:]...)
}

func (s *sources) differ(local, remote []string) {
	switch s.o.Strategy {
	case Ours:
		s.out = append(s.out, local...)
	case Theirs:
		s.out = append(s.out, remote...)
	case Union:
		s.out = append(append(s.out, local...), remote...)
	default:
		s.conflicts = append(s.conflicts, len(s.out)+1)
		s.out = append(s.out, markLocal+s.o.Local)
		s.out = append(append(s.out, local...), markBetween)
		s.out = append(append(s.out, remote...), markRemote+s.o.Remote)
	}
}
