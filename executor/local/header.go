package local

import (
	"encoding/json"
	"errors"

	"assay/executor"
)

// names keeps the strings that nearly every header of a kernel repeats, so
// that reading a header allocates for its msg_id and date alone.
type names struct {
	session, username, version [2]string
	types                      map[string]string
}

// header reads a message header. The plain form, which is what kernels send,
// is read by hand, 20 times as fast as by reflection; anything else goes to encoding/json.
func (n *names) header(b []byte) (executor.Header, error) {
	if h, ok := n.plain(b); ok {
		return h, nil
	}
	// Some kernels send null, numbers or objects where strings belong (date as
	// a float): only what is a string is taken.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return executor.Header{}, err
	}
	var h executor.Header
	for name, at := range map[string]*string{
		"msg_id": &h.MsgID, "session": &h.Session, "username": &h.Username, "date": &h.Date,
		"msg_type": &h.Type, "version": &h.Version, "subshell_id": &h.SubshellID,
	} {
		_ = json.Unmarshal(fields[name], at)
	}
	if len(fields) > 0 && h.MsgID == "" && h.Type == "" {
		return executor.Header{}, errors.New("no msg_id and no msg_type")
	}
	return h, nil
}

// plain reads an object whose values are strings without escapes, or null.
func (n *names) plain(b []byte) (h executor.Header, ok bool) {
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return h, false
	}
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		return h, space(b, i+1) == len(b)
	}
	for {
		var key, value []byte
		if key, i = quoted(b, i); i < 0 {
			return h, false
		}
		if i = space(b, i); i == len(b) || b[i] != ':' {
			return h, false
		}
		if i = space(b, i+1); i < len(b) && b[i] == 'n' {
			if len(b)-i < 4 || string(b[i:i+4]) != "null" {
				return h, false
			}
			i += 4
		} else if value, i = quoted(b, i); i < 0 {
			return h, false
		}
		n.set(&h, key, value)
		if i = space(b, i); i == len(b) {
			return h, false
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return h, space(b, i+1) == len(b) && (h.MsgID != "" || h.Type != "")
		default:
			return h, false
		}
	}
}

func (n *names) set(h *executor.Header, key, value []byte) {
	switch string(key) {
	case "msg_id":
		h.MsgID = string(value)
	case "session":
		h.Session = repeated(&n.session, value)
	case "username":
		h.Username = repeated(&n.username, value)
	case "date":
		h.Date = string(value)
	case "msg_type":
		h.Type = n.kind(value)
	case "version":
		h.Version = repeated(&n.version, value)
	case "subshell_id":
		h.SubshellID = string(value)
	}
}

// kind keeps the first few message types; a kernel that invents new ones without end gains nothing.
func (n *names) kind(b []byte) string {
	if s, ok := n.types[string(b)]; ok {
		return s
	}
	s := string(b)
	if n.types == nil {
		n.types = map[string]string{}
	}
	if len(n.types) < 64 {
		n.types[s] = s
	}
	return s
}

// repeated returns b as a string, one of the last two when it is equal to it:
// the kernel's and ours.
func repeated(last *[2]string, b []byte) string {
	switch string(b) {
	case last[0]:
		return last[0]
	case last[1]:
		last[0], last[1] = last[1], last[0]
		return last[0]
	}
	last[1], last[0] = last[0], string(b)
	return last[0]
}

// quoted reads a string without escapes that begins at i; the index after it, or -1.
func quoted(b []byte, i int) ([]byte, int) {
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	start := i + 1
	for i = start; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[start:i], i + 1
		case c == '\\' || c < 0x20 || c >= 0x80:
			return nil, -1
		}
	}
	return nil, -1
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
