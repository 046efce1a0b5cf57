package audit

import "fmt"

// ParseFacts reads the payloads of a run, as far as they are shown: the
// inverse of Payloads. Of a payload that is not among them the field stays empty.
func ParseFacts(ps []Payload) (*RunFacts, error) {
	facts := &RunFacts{}
	for _, p := range ps {
		if err := parseFact(p, func(f *jsonReader) string { return facts.read(p.Name, f) }); err != nil {
			return nil, err
		}
	}
	return facts, nil
}

// parseFact reads one payload: read reads its facts and gives who they are by.
func parseFact(p Payload, read func(f *jsonReader) (by string)) error {
	f := newReader(p.Data)
	if v := f.int("version"); f.err == nil && v != factsVersion {
		return fmt.Errorf("%s: version %d is not known here: a newer assay may know it", p.Name, v)
	}
	by := f.str("by")
	if want := read(f); f.err == nil && by != want {
		f.fail("by is %.20q, not %q", by, want)
	}
	if err := f.done(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// read reads one payload and gives who its facts are by.
func (r *RunFacts) read(name string, f *jsonReader) (by string) {
	switch name {
	case PayloadInput:
		r.Input = &InputFacts{File: f.digest("file"), Source: f.digest("source"), Size: f.int("size")}
	case PayloadParameters:
		f.each("parameters", func() { r.Parameters = append(r.Parameters, readParameter(f)) })
	case PayloadKernel:
		r.Kernel = readKernel(f)
		return byKernel
	case PayloadEnvironment:
		r.Environment = readEnvironment(f)
	case PayloadCells:
		f.each("cells", func() { r.Cells = append(r.Cells, readCell(f)) })
	case PayloadOutput:
		r.Output = &OutputFacts{File: f.digest("file"), Source: f.digest("source"), Outputs: f.digest("outputs"), Rest: f.digest("rest"), Size: f.int("size")}
	case PayloadScraps:
		f.each("scraps", func() {
			r.Scraps = append(r.Scraps, ScrapFact{Name: f.str("name"), Digest: f.digest("digest")})
		})
		return byKernel
	case PayloadNames:
		r.Names = NameFacts{Input: f.str("input"), Output: f.str("output"), User: f.str("user"), Host: f.str("host"), AskedBy: f.str("asked_by")}
	case PayloadResult:
		r.Result = ResultFacts{
			State: f.str("state"), Reason: f.str("reason"), Trigger: f.str("trigger"), Start: f.time("start"), End: f.time("end"),
			Assay: f.str("assay"), Completeness: f.str("completeness"),
		}
	case PayloadEvents:
		r.Events = EventFacts{Digest: f.digest("digest"), Count: f.int("count")}
	case SecretsPayload:
		f.each("secrets", func() {
			s := SecretFact{Name: f.str("name")}
			f.hex("salt", s.Salt[:])
			r.Secrets = append(r.Secrets, s)
		})
	default:
		f.fail("no run has such a payload")
	}
	return byAssay
}

func readParameter(f *jsonReader) ParameterFact {
	p := ParameterFact{Name: f.str("name")}
	if f.has("secret") {
		p.Secret, p.Commitment = f.str("secret"), f.digest("commitment")
	} else {
		p.Value = f.str("value")
	}
	return p
}

func readKernel(f *jsonReader) *KernelFacts {
	return &KernelFacts{
		Name: f.str("name"), DisplayName: f.str("display_name"),
		Language: f.str("language"), LanguageVersion: f.str("language_version"),
		Implementation: f.str("implementation"), ImplementationVersion: f.str("implementation_version"),
		ProtocolVersion: f.str("protocol_version"), Via: f.str("via"),
	}
}

func readEnvironment(f *jsonReader) *EnvironmentFacts {
	digest := f.digest("digest")
	f.open("environment", '{')
	e := &EnvironmentFacts{
		Interpreter: f.str("interpreter"), Version: f.str("version"), Platform: f.str("platform"),
		Manager: f.str("manager"), Source: f.str("source"),
	}
	f.open("packages", '[')
	for f.next() {
		f.open("", '[')
		e.Packages = append(e.Packages, PackageFact{Name: f.str(""), Version: f.str(""), Origin: f.str("")})
		f.close(']')
	}
	e.Gaps = f.strs("gaps")
	f.close('}')
	if f.err == nil && e.Digest() != digest {
		f.fail("the environment's digest is not that of its list")
	}
	return e
}

func readCell(f *jsonReader) CellFacts {
	c := CellFacts{CellDigests: CellDigests{ID: f.str("id"), Type: f.str("type")}, State: f.str("state")}
	if f.has("execution_count") {
		n := int(f.int("execution_count"))
		c.ExecutionCount = &n
	}
	c.Source, c.Outputs, c.Rest = f.digest("source"), f.digest("outputs"), f.digest("rest")
	if f.has("masked") {
		c.Masked = f.strs("masked")
	}
	return c
}
