package executor

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkMessage is what one stream message costs on its way through Run.
func BenchmarkMessage(b *testing.B) {
	for _, size := range []int{8, 500, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			content := streamOf("stdout", strings.Repeat("x", size-1)+"\n")
			k := newScripted(nil)
			r := newRunner(k, code("a"), &Options{MaxOutput: -1}, quiet{})
			s := r.sheets[0]
			s.res.Timing = map[string]string{}
			x := r.request(s)
			m := Message{
				Channel: IOPub, Header: Header{Session: "kernel", Type: "stream"},
				Parent: Header{MsgID: x.id}, Content: []byte(content),
			}
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for i := range b.N {
				m.Header.MsgID = "kernel_7_1"
				r.take(&m)
				if i%10000 == 9999 {
					r.clear(s)
				}
			}
		})
	}
}

// quiet is a Sink that nobody listens to.
type quiet struct{ *record }

func (quiet) Stream(int, string, string) {}
