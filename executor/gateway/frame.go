package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"assay/executor"
)

// maxParts bounds the parts of one frame: no kernel sends thousands of buffers.
const maxParts = 1 << 16

// decoder turns frames into messages. It remembers the last parent header,
// which is the same for all messages of a cell.
type decoder struct {
	rawParent []byte
	parent    executor.Header
}

// decode reads one frame in the framing that it is in. The message keeps the frame's bytes.
func (d *decoder) decode(v1, isBinary bool, frame []byte) (executor.Message, error) {
	switch {
	case v1 && isBinary:
		return d.decodeV1(frame)
	case isBinary:
		return d.decodeLegacyBinary(frame)
	default: // a v1 server that answers in text has fallen back
		return d.decodeLegacy(frame, nil)
	}
}

// decodeV1 reads v1.kernel.websocket.jupyter.org: the number of offsets, the
// offsets, then the parts; all integers 8 bytes, little-endian.
func (d *decoder) decodeV1(b []byte) (executor.Message, error) {
	if len(b) < 8 {
		return executor.Message{}, errors.New("frame shorter than its count of offsets")
	}
	n := binary.LittleEndian.Uint64(b)
	if n < 6 || n > maxParts {
		return executor.Message{}, fmt.Errorf("frame with %d offsets", n)
	}
	start := 8 * (1 + n)
	if uint64(len(b)) < start {
		return executor.Message{}, errors.New("frame shorter than its offsets")
	}
	parts := make([][]byte, 0, n-1)
	at := binary.LittleEndian.Uint64(b[8:])
	if at != start {
		return executor.Message{}, fmt.Errorf("first offset is %d, not %d", at, start)
	}
	for i := uint64(1); i < n; i++ {
		next := binary.LittleEndian.Uint64(b[8*(1+i):])
		if next < at || next > uint64(len(b)) {
			return executor.Message{}, fmt.Errorf("offset %d is %d, out of order", i, next)
		}
		parts = append(parts, b[at:next:next])
		at = next
	}
	if at != uint64(len(b)) {
		return executor.Message{}, errors.New("bytes after the last offset")
	}
	m := executor.Message{Channel: executor.Channel(parts[0]), Metadata: parts[3], Content: parts[4]}
	if len(parts) > 5 {
		m.Buffers = parts[5:]
	}
	return d.finish(m, parts[1], parts[2])
}

// finish reads the headers and checks the channel.
func (d *decoder) finish(m executor.Message, header, parent []byte) (executor.Message, error) {
	switch m.Channel {
	case executor.Shell, executor.IOPub, executor.Stdin, executor.Control:
	default:
		return m, fmt.Errorf("message on unknown channel %q", clean(string(m.Channel)))
	}
	var err error
	if m.Header, err = readHeader(header); err != nil {
		return m, fmt.Errorf("header: %w", err)
	}
	if d.rawParent == nil || !bytes.Equal(parent, d.rawParent) {
		if d.parent, err = readHeader(parent); err != nil {
			d.rawParent = nil
			return m, fmt.Errorf("parent header: %w", err)
		}
		d.rawParent = bytes.Clone(parent)
	}
	m.Parent = d.parent
	return m, nil
}

// readHeader takes what is a string where a string belongs, and leaves the
// rest: proxies are known to write dates as numbers. null and {} are no header.
func readHeader(raw []byte) (executor.Header, error) {
	var h executor.Header
	if json.Unmarshal(raw, &h) == nil {
		return h, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return executor.Header{}, err
	}
	h = executor.Header{}
	for name, field := range map[string]*string{
		"msg_id": &h.MsgID, "session": &h.Session, "username": &h.Username, "date": &h.Date,
		"msg_type": &h.Type, "version": &h.Version, "subshell_id": &h.SubshellID,
	} {
		if json.Unmarshal(fields[name], field) != nil {
			*field = ""
		}
	}
	return h, nil
}

type legacyMessage struct {
	Channel  executor.Channel `json:"channel"`
	Header   json.RawMessage  `json:"header"`
	Parent   json.RawMessage  `json:"parent_header"`
	Metadata json.RawMessage  `json:"metadata"`
	Content  json.RawMessage  `json:"content"`
	Buffers  []any            `json:"buffers,omitempty"`
}

// decodeLegacy reads the JSON form; buffers stand beside it in a binary frame.
func (d *decoder) decodeLegacy(text []byte, buffers [][]byte) (executor.Message, error) {
	var l legacyMessage
	if err := json.Unmarshal(text, &l); err != nil {
		return executor.Message{}, err
	}
	m := executor.Message{Channel: l.Channel, Metadata: orEmpty(l.Metadata), Content: orEmpty(l.Content), Buffers: buffers}
	return d.finish(m, orEmpty(l.Header), orEmpty(l.Parent))
}

// decodeLegacyBinary reads the old form with buffers: a count, the offsets of
// the JSON and of each buffer, all integers 4 bytes, big-endian.
func (d *decoder) decodeLegacyBinary(b []byte) (executor.Message, error) {
	if len(b) < 4 {
		return executor.Message{}, errors.New("frame shorter than its count of offsets")
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n < 1 || n > maxParts {
		return executor.Message{}, fmt.Errorf("frame with %d offsets", n)
	}
	if uint64(len(b)) < 4*(1+n) {
		return executor.Message{}, errors.New("frame shorter than its offsets")
	}
	offset := func(i uint64) uint64 {
		if i == n {
			return uint64(len(b))
		}
		return uint64(binary.BigEndian.Uint32(b[4*(1+i):]))
	}
	if offset(0) != 4*(1+n) {
		return executor.Message{}, fmt.Errorf("first offset is %d, not %d", offset(0), 4*(1+n))
	}
	parts := make([][]byte, n)
	for i := range n {
		from, to := offset(i), offset(i+1)
		if to < from || to > uint64(len(b)) {
			return executor.Message{}, fmt.Errorf("offset %d is %d, out of order", i+1, to)
		}
		parts[i] = b[from:to:to]
	}
	return d.decodeLegacy(parts[0], parts[1:])
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// encode writes m in the framing that the connection speaks.
func encode(v1 bool, m executor.Message) (frame []byte, isBinary bool, err error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, false, fmt.Errorf("encode the header: %w", err)
	}
	parent := []byte("{}")
	if m.Parent.MsgID != "" {
		if parent, err = json.Marshal(m.Parent); err != nil {
			return nil, false, fmt.Errorf("encode the parent header: %w", err)
		}
	}
	if v1 {
		return appendV1(nil, m, header, parent), true, nil
	}
	return encodeLegacy(m, header, parent)
}

// appendV1 appends m in v1 framing.
func appendV1(dst []byte, m executor.Message, header, parent []byte) []byte {
	parts := append([][]byte{[]byte(m.Channel), header, parent, orEmpty(m.Metadata), orEmpty(m.Content)}, m.Buffers...)
	n := uint64(len(parts) + 1)
	at := 8 * (1 + n)
	dst = binary.LittleEndian.AppendUint64(dst, n)
	dst = binary.LittleEndian.AppendUint64(dst, at)
	for _, p := range parts {
		at += uint64(len(p))
		dst = binary.LittleEndian.AppendUint64(dst, at)
	}
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

func encodeLegacy(m executor.Message, header, parent []byte) ([]byte, bool, error) {
	l := legacyMessage{Channel: m.Channel, Header: header, Parent: parent, Metadata: orEmpty(m.Metadata), Content: orEmpty(m.Content)}
	text, err := json.Marshal(l)
	if err != nil || len(m.Buffers) == 0 {
		return text, false, err
	}
	n := len(m.Buffers) + 1
	at := 4 * (1 + n)
	frame := binary.BigEndian.AppendUint32(nil, uint32(n))
	for _, p := range append([][]byte{text}, m.Buffers...) {
		if uint64(at) > math.MaxUint32 {
			return nil, false, errors.New("message too long for the legacy framing")
		}
		frame = binary.BigEndian.AppendUint32(frame, uint32(at))
		at += len(p)
	}
	frame = append(frame, text...)
	for _, p := range m.Buffers {
		frame = append(frame, p...)
	}
	return frame, true, nil
}
