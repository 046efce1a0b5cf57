package nbformat

// Finding is one thing that makes a notebook invalid.
type Finding struct {
	Cell int    // from 0, -1 for the notebook itself
	Line int    // of the file, 0 when an edit made the value
	Path string // of the value, as cells[2].outputs[0].data
	Rule string // required, type, unknown, value, pattern, unique, minimum, version
	Msg  string // what is wrong and what to do
}

// Validate says what nbformat would find wrong.
func Validate(d *Document) []Finding { return nil }
