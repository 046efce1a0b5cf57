package nbformat

import "encoding/json"

// Output types of nbformat 4.
const (
	StreamOutput        = "stream"
	DisplayDataOutput   = "display_data"
	ExecuteResultOutput = "execute_result"
	ErrorOutput         = "error"
)

// Output is one output of a code cell, as the executor makes it from a kernel's
// messages. Only the fields of its Type are written.
type Output struct {
	Type string // one of the constants above

	Name string // stream: "stdout" or "stderr"
	Text string // stream

	Data           json.RawMessage // display_data, execute_result: the mime bundle, a JSON object as the kernel sent it
	Metadata       json.RawMessage // display_data, execute_result: a JSON object, nil means {}
	ExecutionCount *int            // execute_result; nil is written as null

	Ename     string   // error
	Evalue    string   // error
	Traceback []string // error
}
