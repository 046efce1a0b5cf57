package drivers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said is what git would say, packet by packet: "|" is a flush packet.
func said(packets ...string) []byte {
	var b bytes.Buffer
	w := &pktWriter{w: bufio.NewWriter(&b)}
	for _, p := range packets {
		if p == "|" {
			w.end()
			continue
		}
		w.packet([]byte(p))
	}
	w.w.Flush()
	return b.Bytes()
}

// heard reads packets until the stream ends.
func heard(t *testing.T, data []byte) []string {
	t.Helper()
	r := &pktReader{r: bufio.NewReader(bytes.NewReader(data))}
	var all []string
	for {
		b, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return all
		case errors.Is(err, errFlush):
			all = append(all, "|")
		case err != nil:
			t.Fatalf("what Serve wrote is no packet stream: %v: %q", err, data)
		default:
			all = append(all, string(b))
		}
	}
}

var hello = []string{"git-filter-client\n", "version=2\n", "|", "capability=clean\n", "capability=smudge\n", "capability=delay\n", "|"}

var answered = []string{"git-filter-server\n", "version=2\n", "|", "capability=clean\n", "capability=smudge\n", "|"}

func upper(path string, data []byte) ([]byte, error) {
	if strings.Contains(path, "bad") {
		return nil, errors.New("bad")
	}
	return bytes.ToUpper(data), nil
}

func TestServe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want []string }{
		"clean": {
			[]string{"command=clean\n", "pathname=a b=ü.ipynb\n", "|", "ab", "c", "|"},
			[]string{"status=success\n", "|", "ABC", "|", "|"},
		},
		"smudge": {
			[]string{"command=smudge\n", "pathname=bad\n", "ref=refs/heads/main\n", "blob=00\n", "|", "abc", "|"},
			[]string{"status=success\n", "|", "abc", "|", "|"},
		},
		"empty": {
			[]string{"command=clean\n", "pathname=a\n", "|", "|"},
			[]string{"status=success\n", "|", "|", "|"},
		},
		"an error, then another file": {
			[]string{"command=clean\n", "pathname=bad\n", "|", "x", "|", "command=clean\n", "pathname=a\n", "|", "x", "|"},
			[]string{"status=error\n", "|", "status=success\n", "|", "X", "|", "|"},
		},
		"too large, then another file": {
			[]string{"command=clean\n", "pathname=a\n", "|", "12345678", "9", "|", "command=clean\n", "pathname=a\n", "|", "x", "|"},
			[]string{"status=error\n", "|", "status=success\n", "|", "X", "|", "|"},
		},
		"too large does not matter on the way out": {
			[]string{"command=smudge\n", "pathname=a\n", "|", "12345678", "9", "|"},
			[]string{"status=success\n", "|", "123456789", "|", "|"},
		},
		"a command of the future": {
			[]string{"command=polish\n", "pathname=a\n", "|", "x", "|"},
			[]string{"status=abort\n", "|"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Serve(bytes.NewReader(said(append(hello[:len(hello):len(hello)], tt.in...)...)), &out, Filter{Clean: upper, Limit: 8}); err != nil {
				t.Fatal(err)
			}
			want := append(answered[:len(answered):len(answered)], tt.want...)
			if diff := cmp.Diff(want, heard(t, out.Bytes())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A file longer than a packet is sent in several, none of them too long.
func TestServeLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxPayload)
	var out bytes.Buffer
	in := said(append(hello[:len(hello):len(hello)], "command=smudge\n", "pathname=a\n", "|", long, long, "y", "|")...)
	if err := Serve(bytes.NewReader(in), &out, Filter{Clean: upper}); err != nil {
		t.Fatal(err)
	}
	want := append(answered[:len(answered):len(answered)], "status=success\n", "|", long, long, "y", "|", "|")
	if diff := cmp.Diff(want, heard(t, out.Bytes())); diff != "" {
		t.Error("the packets are others")
	}
}

func TestServeBroken(t *testing.T) {
	t.Parallel()
	command := append(hello[:len(hello):len(hello)], "command=clean\n", "pathname=a\n", "|")
	tests := map[string]struct {
		in   []byte
		want string
	}{
		"nothing":           {nil, "no greeting"},
		"somebody else":     {said("hello\n", "|"), "not git-filter-client"},
		"version 1":         {said("git-filter-client\n", "version=1\n", "|"), "version=1"},
		"gone after that":   {said("git-filter-client\n", "version=2\n", "|"), "capabilities"},
		"no length":         {[]byte("GET / HTTP/1.1\r\n"), "not a packet's length"},
		"a control byte":    {[]byte("\x10\x10\x10\x14"), "not a packet's length"},
		"length 3":          {[]byte("0003"), "length 3"},
		"too long":          {append([]byte("fff1"), make([]byte, 0xfff1)...), "length 65521"},
		"cut in a packet":   {[]byte("0016git-fil"), "unexpected EOF"},
		"cut in a length":   {[]byte("00"), "unexpected EOF"},
		"cut before a file": {said(command...), "unexpected EOF"},
		"cut in a file":     {said(append(command, "abc")...), "unexpected EOF"},
		"an endless list":   {said(strings.Split(strings.Repeat("x,", maxLines+1), ",")...), "more than 256"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Serve(bytes.NewReader(tt.in), io.Discard, Filter{Clean: upper})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Serve: %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzServe tells Serve whatever: it must end, what it says must be packets,
// and each file that it took must be answered.
func FuzzServe(f *testing.F) {
	f.Add(said(append(hello[:len(hello):len(hello)], "command=clean\n", "pathname=a\n", "|", "abc", "|", "command=smudge\n", "pathname=bad\n", "|", "|")...))
	f.Add(said("git-filter-client\n", "version=2\n", "|", "|", "command=x\n", "|", "|"))
	f.Add([]byte("0004fff0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		files := 0
		err := Serve(bytes.NewReader(in), &out, Filter{Limit: 1 << 16, Clean: func(_ string, data []byte) ([]byte, error) {
			files++
			return append([]byte(fmt.Sprint(files)), data...), nil
		}})
		got := heard(t, out.Bytes())
		answers := strings.Count(strings.Join(got, ""), "status=success\n")
		if err == nil && answers < files {
			t.Errorf("%d files, %d answers", files, answers)
		}
	})
}
