package executor

import (
	"encoding/json"
	"time"
)

// Channel names a Jupyter channel.
type Channel string

// The channels of the Jupyter messaging protocol 5.
const (
	Shell   Channel = "shell"
	IOPub   Channel = "iopub"
	Stdin   Channel = "stdin"
	Control Channel = "control"
)

// Header is a message header of the Jupyter messaging protocol 5.
type Header struct {
	MsgID      string `json:"msg_id"`
	Session    string `json:"session"`
	Username   string `json:"username"`
	Date       string `json:"date"`
	Type       string `json:"msg_type"`
	Version    string `json:"version"`
	SubshellID string `json:"subshell_id,omitempty"`
}

// Message is one message to or from a kernel. Content and Metadata are the
// bytes that were on the wire: numbers and invalid UTF-8 are untouched.
type Message struct {
	Channel  Channel
	Header   Header
	Parent   Header // zero when the message has no parent
	Metadata json.RawMessage
	Content  json.RawMessage
	Buffers  [][]byte

	Received time.Time // when our reader took it off the socket; zero for messages to send
}
