package drivers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// DefaultLimit is the largest file that Serve cleans when nothing else is said, in bytes.
const DefaultLimit = 1 << 30

// Filter is what Serve does with the files that git hands it.
type Filter struct {
	// Clean makes of a file what git is to keep. path is the file's in the
	// repository, with slashes, as git says it and not a name to be opened.
	// On an error git is told that the file could not be filtered: it then
	// refuses it where filter.NAME.required is set, and else keeps it as it is.
	Clean func(path string, data []byte) ([]byte, error)

	// Failed is told each file that was not filtered; nil tells nobody.
	Failed func(path string, err error)

	Limit int64 // the largest file to clean in bytes; 0 is DefaultLimit
}

// Serve speaks git's long-running filter protocol, version 2 (gitattributes(5)),
// as git's child: git on r, and to git on w, until git closes r. One Serve
// does all files of a git command, one after the other. It offers clean, and
// smudge, which gives each file back as it is: git with filter.NAME.required
// takes a filter without smudge for one that failed. delay is not offered:
// nothing is waited for.
//
// A file that cannot be cleaned is answered with status=error, and the next is
// taken. An error of Serve itself is a peer that does not keep to the protocol,
// or a stream that broke; git then does with the files as Filter.Clean says.
func Serve(r io.Reader, w io.Writer, f Filter) error {
	if f.Limit == 0 {
		f.Limit = DefaultLimit
	}
	s := &server{
		in:     &pktReader{r: bufio.NewReaderSize(r, maxPacket)},
		out:    &pktWriter{w: bufio.NewWriterSize(w, maxPacket)},
		filter: f,
	}
	if err := s.handshake(); err != nil {
		return fmt.Errorf("git's filter protocol: %w", err)
	}
	for {
		err := s.command()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("git's filter protocol: %w", err)
		}
	}
}

type server struct {
	in     *pktReader
	out    *pktWriter
	filter Filter
}

func (s *server) handshake() error {
	hello, err := s.in.lines()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("no greeting: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	if len(hello) == 0 || hello[0] != "git-filter-client" {
		return errors.New("the greeting is not git-filter-client")
	}
	if !slices.Contains(hello[1:], "version=2") {
		return fmt.Errorf("git offers %s, not version=2", strings.Join(hello[1:], ", "))
	}
	s.out.list("git-filter-server", "version=2")
	if err := s.out.w.Flush(); err != nil {
		return err
	}
	offered, err := s.in.lines()
	if err != nil {
		return fmt.Errorf("git's capabilities: %w", noEOF(err))
	}
	var both []string
	for _, c := range []string{"capability=clean", "capability=smudge"} {
		if slices.Contains(offered, c) {
			both = append(both, c)
		}
	}
	s.out.list(both...)
	return s.out.w.Flush()
}

// noEOF keeps the end of the stream apart from the end between two commands.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// command does one file; io.EOF is the end of the session.
func (s *server) command() error {
	lines, err := s.in.lines()
	if err != nil {
		return err
	}
	var verb, path string
	for _, line := range lines { // keys that are not known are for others: gitattributes(5)
		switch key, value, _ := strings.Cut(line, "="); key {
		case "command":
			verb = value
		case "pathname":
			path = value
		}
	}
	limit := s.filter.Limit
	if verb == "smudge" {
		limit = math.MaxInt64 // what is in the repository must come out of it
	}
	data, err := s.in.content(limit)
	if err != nil && !errors.Is(err, errTooLarge) {
		return noEOF(err)
	}
	switch {
	case verb != "clean" && verb != "smudge":
		s.out.list("status=abort") // git does not ask for it again
		return s.out.w.Flush()
	case err != nil:
		err = fmt.Errorf("larger than %d bytes", s.filter.Limit)
	case verb == "clean":
		data, err = s.filter.Clean(path, data)
	}
	if err != nil {
		if s.filter.Failed != nil {
			s.filter.Failed(path, err)
		}
		s.out.list("status=error")
		return s.out.w.Flush()
	}
	s.out.list("status=success")
	s.out.content(data)
	s.out.end() // the status stands
	return s.out.w.Flush()
}
