package audit

import "encoding/hex"

func (f *InputFacts) write(w *jsonWriter) {
	w.digest("file", f.File)
	w.digest("source", f.Source)
	w.int("size", f.Size)
}

func (f *RunFacts) writeParameters(w *jsonWriter) {
	w.open("parameters", '[')
	for _, p := range f.Parameters {
		w.open("", '{')
		w.str("name", p.Name)
		if p.Secret != "" {
			w.str("secret", p.Secret)
			w.digest("commitment", p.Commitment)
		} else {
			w.str("value", p.Value)
		}
		w.close('}')
	}
	w.close(']')
}

func (f *RunFacts) writeSecrets(w *jsonWriter) {
	w.open("secrets", '[')
	for _, s := range f.Secrets {
		w.open("", '{')
		w.str("name", s.Name)
		w.str("salt", hex.EncodeToString(s.Salt[:]))
		w.close('}')
	}
	w.close(']')
}

func (f *KernelFacts) write(w *jsonWriter) {
	w.str("name", f.Name)
	w.str("display_name", f.DisplayName)
	w.str("language", f.Language)
	w.str("language_version", f.LanguageVersion)
	w.str("implementation", f.Implementation)
	w.str("implementation_version", f.ImplementationVersion)
	w.str("protocol_version", f.ProtocolVersion)
	w.str("via", f.Via)
}

func (f *EnvironmentFacts) write(w *jsonWriter) {
	list := f.list()
	w.digest("digest", DigestBytes(list))
	w.name("environment")
	w.b = append(w.b, list...)
}

// list is the readable list, over whose bytes the environment's digest goes.
func (f *EnvironmentFacts) list() []byte {
	var w jsonWriter
	w.open("", '{')
	w.str("interpreter", f.Interpreter)
	w.str("version", f.Version)
	w.str("platform", f.Platform)
	w.str("manager", f.Manager)
	w.str("source", f.Source)
	w.open("packages", '[')
	for _, p := range f.Packages {
		w.strs("", []string{p.Name, p.Version, p.Origin})
	}
	w.close(']')
	w.strs("gaps", f.Gaps)
	w.close('}')
	return w.b
}

// Digest is the one digest of an environment: equal for equal lists.
func (f *EnvironmentFacts) Digest() Digest { return DigestBytes(f.list()) }

func (f *RunFacts) writeCells(w *jsonWriter) {
	w.open("cells", '[')
	for i := range f.Cells {
		c := &f.Cells[i]
		w.open("", '{')
		w.str("id", c.ID)
		w.str("type", c.Type)
		w.str("state", c.State)
		if c.ExecutionCount != nil {
			w.int("execution_count", int64(*c.ExecutionCount))
		}
		w.digest("source", c.Source)
		w.digest("outputs", c.Outputs)
		w.digest("rest", c.Rest)
		if len(c.Masked) > 0 {
			w.strs("masked", c.Masked)
		}
		w.close('}')
	}
	w.close(']')
}

func (f *OutputFacts) write(w *jsonWriter) {
	w.digest("file", f.File)
	w.digest("source", f.Source)
	w.digest("outputs", f.Outputs)
	w.digest("rest", f.Rest)
	w.int("size", f.Size)
}

func (f *RunFacts) writeScraps(w *jsonWriter) {
	w.open("scraps", '[')
	for _, s := range f.Scraps {
		w.open("", '{')
		w.str("name", s.Name)
		w.digest("digest", s.Digest)
		w.close('}')
	}
	w.close(']')
}

func (f *NameFacts) write(w *jsonWriter) {
	w.str("input", f.Input)
	w.str("output", f.Output)
	w.str("user", f.User)
	w.str("host", f.Host)
	w.str("asked_by", f.AskedBy)
}

func (f *ResultFacts) write(w *jsonWriter) {
	w.str("state", f.State)
	w.str("reason", f.Reason)
	w.str("trigger", f.Trigger)
	w.str("start", formatTime(f.Start))
	w.str("end", formatTime(f.End))
	w.str("assay", f.Assay)
	w.str("completeness", f.Completeness)
}

func (f *EventFacts) write(w *jsonWriter) {
	w.digest("digest", f.Digest)
	w.int("count", f.Count)
}
