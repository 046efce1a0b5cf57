package output

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay/executor"
	"assay/nbformat"
)

// papermillVersion is the papermill whose record metadata.papermill has the shape of.
const papermillVersion = "2.7.0"

// The statuses that papermill gives a cell.
const (
	pending   = "pending"
	running   = "running"
	completed = "completed"
	failed    = "failed"
)

// pyTime writes a time as Python's datetime.isoformat does for one in UTC.
func pyTime(t time.Time) string {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}

// pySeconds writes the seconds between two times as Python's json does a float.
func pySeconds(from, to time.Time) string {
	us := to.Truncate(time.Microsecond).Sub(from.Truncate(time.Microsecond)).Microseconds()
	f := float64(us) / 1e6
	if f != 0 && f < 1e-4 && f > -1e-4 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quoted is t as a JSON string, or null for the zero time.
func quoted(t time.Time) string {
	if t.IsZero() {
		return "null"
	}
	return `"` + pyTime(t) + `"`
}

func seconds(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "null"
	}
	return pySeconds(from, to)
}

// cellPapermill is a cell's metadata.papermill.
type cellPapermill struct {
	from, to  time.Time
	exception string // null, false or true
	status    string
}

func (p cellPapermill) json() []byte {
	return fmt.Appendf(nil, `{"duration":%s,"end_time":%s,"exception":%s,"start_time":%s,"status":"%s"}`,
		seconds(p.from, p.to), quoted(p.to), p.exception, quoted(p.from), p.status)
}

// papermillOf is what papermill's words say of a cell. With compat it is what
// papermill itself would say: it knows no failure but an exception, so a cell
// that timed out, was interrupted or lost its kernel stands as completed there.
func (o *Options) papermillOf(f *cellFact) cellPapermill {
	p := cellPapermill{from: f.From, to: f.To, exception: "false", status: completed}
	switch f.State {
	case executor.NotRun, "":
		return cellPapermill{exception: "null", status: pending}
	case executor.Running:
		p.to, p.status = time.Time{}, running
	case executor.Failed:
		if o.Compat || !f.leftByExit() {
			p.exception, p.status = "true", failed
		}
	case executor.Succeeded, executor.Skipped:
		if o.Compat && f.leftByExit() {
			p.exception, p.status = "true", failed
		}
	case executor.TimedOut, executor.Interrupted, executor.KernelLost:
		if !o.Compat {
			p.exception, p.status = "true", failed
		}
	case executor.Incomplete:
		if !o.Compat && !o.AllowIncomplete {
			p.exception, p.status = "true", failed
		}
	}
	return p
}

// leftByExit tells whether the cell ended the notebook by sys.exit(0) or an
// equivalent, which ends papermill with success.
func (f *cellFact) leftByExit() bool { return f.Raised && exitZero(f.Ename, f.Evalue) }

func exitZero(ename, evalue string) bool {
	return ename == "SystemExit" && (evalue == "" || evalue == "0")
}

// notebookPapermill writes metadata.papermill of the notebook as it is when a
// run starts, or is prepared where start is zero.
func (o *Options) notebookPapermill(d *nbformat.Document, start time.Time) error {
	params := o.Parameters
	if len(params) == 0 {
		params = []byte("{}")
	}
	if o.Compat && d.Metadata().Get("papermill").Kind() == nbformat.Object {
		return o.papermillAgain(d, params, start)
	}
	version := papermillVersion
	if !o.Compat {
		// Papermill did not write this. The form is a local version of PEP 440:
		// readers that compare versions take it for papermill's.
		version += "+assay"
	}
	b := []byte(`{"default_parameters":{}`)
	if !start.IsZero() {
		b = append(b, `,"duration":null,"end_time":null`...)
	}
	b = append(b, `,"environment_variables":{}`...)
	if !start.IsZero() {
		b = append(b, `,"exception":null`...)
	}
	b = append(b, `,"input_path":`...)
	b = appendRef(b, o.InputRef)
	b = append(b, `,"output_path":`...)
	b = appendRef(b, o.OutputRef)
	b = append(append(b, `,"parameters":`...), params...)
	if !start.IsZero() {
		b = append(append(b, `,"start_time":`...), quoted(start)...)
	}
	b = append(append(b, `,"version":"`...), version...)
	return d.SetMetadata(append(b, `"}`...), "papermill")
}

// papermillAgain does what papermill does to the record of an earlier run: it
// stays but for what is set here, the version and, where no parameters are
// passed, the old parameters included.
func (o *Options) papermillAgain(d *nbformat.Document, params []byte, start time.Time) error {
	set := func(raw []byte, key string) error { return d.SetMetadata(raw, "papermill", key) }
	if o.hasParams() {
		if err := set(params, "parameters"); err != nil {
			return err
		}
	}
	if err := set(appendRef(nil, o.InputRef), "input_path"); err != nil {
		return err
	}
	if err := set(appendRef(nil, o.OutputRef), "output_path"); err != nil || start.IsZero() {
		return err
	}
	for _, key := range []string{"end_time", "duration", "exception"} {
		if err := set([]byte("null"), key); err != nil {
			return err
		}
	}
	return set([]byte(quoted(start)), "start_time")
}

func appendRef(b []byte, ref string) []byte {
	if ref == "" {
		return append(b, "null"...)
	}
	return nbformat.AppendString(b, ref)
}

// endPapermill fills in what the end of a run adds to metadata.papermill.
func endPapermill(d *nbformat.Document, start, end time.Time, exception bool) error {
	set := func(raw string, key string) error { return d.SetMetadata([]byte(raw), "papermill", key) }
	if exception {
		if err := set("true", "exception"); err != nil {
			return err
		}
	}
	if err := set(seconds(start, end), "duration"); err != nil {
		return err
	}
	return set(quoted(end), "end_time")
}
