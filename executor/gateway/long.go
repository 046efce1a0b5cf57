package gateway

import (
	"encoding/binary"
	"fmt"

	"assay/executor"
)

// tooLong is a message beyond the read limit. It was read to its end and
// thrown away, but for its head.
type tooLong struct {
	size, limit int64
	head        []byte
}

func (e *tooLong) Error() string {
	return fmt.Sprintf("the kernel sent a message of %d bytes, where the limit is %d", e.size, e.limit)
}

// headOf reads channel and parent out of the beginning of a v1 frame, as far
// as they are there, to know which cell a message belonged to.
func headOf(head []byte, v1 bool) executor.Message {
	if !v1 || len(head) < 8*5 {
		return executor.Message{}
	}
	var at [4]uint64
	for i := range at {
		at[i] = binary.LittleEndian.Uint64(head[8*(1+i):])
		if at[i] > uint64(len(head)) || i > 0 && at[i] < at[i-1] {
			return executor.Message{}
		}
	}
	m := executor.Message{Channel: executor.Channel(head[at[0]:at[1]])}
	m.Header, _ = readHeader(head[at[1]:at[2]]) // what cannot be read stays unknown
	m.Parent, _ = readHeader(head[at[2]:at[3]])
	return m
}
