package nbformat

// What nbformat 4 wants of a notebook, written from its documentation and from
// what its validator answers. The minor versions differ in little: 4.2 adds
// title and authors, 4.3 metadata.jupyter, 4.4 metadata.execution, 4.5 ids. In
// a later minor version every field and every type is allowed that is not known.

func bound(n int64) *int64 { return &n }

func str() *shape { return &shape{kinds: aString} }

// lines is a text, whole or as the list of its lines.
func lines() *shape { return &shape{kinds: aString | anArray, elems: str()} }

func count() *shape { return &shape{kinds: aWhole | aNull, least: bound(0)} }

func anyObject() *shape { return &shape{kinds: anObject} }

func nameAndTags(more ...named) *shape {
	return &shape{kinds: anObject, fields: append(more,
		named{"name", &shape{kinds: aString, pattern: namePattern}},
		named{"tags", &shape{kinds: anArray, unique: true, elems: &shape{kinds: aString, pattern: tagPattern}}},
	)}
}

func notebook4(minor int) *shape {
	r := rules4{minor: min(minor, newestMinor), future: minor > newestMinor}
	return &shape{
		kinds: anObject, closed: !r.future,
		required: []string{"metadata", "nbformat_minor", "nbformat", "cells"},
		fields: []named{
			{"metadata", r.metadata()},
			{"nbformat", &shape{kinds: aWhole, least: bound(4), most: bound(4)}},
			{"nbformat_minor", &shape{kinds: aWhole, least: bound(int64(r.minor))}},
			{"cells", &shape{kinds: anArray, elems: r.anyCell()}},
		},
	}
}

// rules4 makes the shapes of one minor version.
type rules4 struct {
	minor  int
	future bool
}

func (r rules4) metadata() *shape {
	s := &shape{kinds: anObject, fields: []named{
		{"kernelspec", &shape{kinds: anObject, required: []string{"name", "display_name"}, fields: []named{{"name", str()}, {"display_name", str()}}}},
		{"language_info", &shape{kinds: anObject, required: []string{"name"}, fields: []named{
			{"name", str()},
			{"codemirror_mode", &shape{kinds: aString | anObject}},
			{"file_extension", str()},
			{"mimetype", str()},
			{"pygments_lexer", str()},
		}}},
		{"orig_nbformat", &shape{kinds: aWhole, least: bound(1)}},
	}}
	if r.minor >= 2 {
		s.fields = append(s.fields, named{"title", str()}, named{"authors", &shape{kinds: anArray}})
	}
	return s
}

func (r rules4) anyCell() *shape {
	s := &shape{kinds: anObject, cell: true, by: "cell_type", variants: []named{
		{"raw", r.textCell(named{"format", str()})},
		{"markdown", r.textCell()},
		{"code", r.codeCell()},
	}}
	if r.future {
		s.unrecognized = &shape{required: []string{"metadata"}, fields: []named{{"metadata", nameAndTags()}}}
	}
	return s
}

// cellOf is a cell with the fields that all cells have and those of its type.
func (r rules4) cellOf(meta *shape, required []string, more ...named) *shape {
	if r.minor >= 3 {
		meta.fields = append(meta.fields, named{"jupyter", anyObject()})
	}
	s := &shape{
		closed:   !r.future,
		required: append([]string{"metadata", "source"}, required...),
		fields:   append([]named{{"cell_type", nil}, {"metadata", meta}, {"source", lines()}}, more...),
	}
	if r.minor >= 5 {
		s.required = append(s.required, "id")
		s.fields = append(s.fields, named{"id", &shape{kinds: aString, pattern: idPattern}})
	}
	return s
}

func (r rules4) textCell(meta ...named) *shape {
	attachments := &shape{kinds: anObject, others: r.bundle()}
	return r.cellOf(nameAndTags(meta...), nil, named{"attachments", attachments})
}

func (r rules4) codeCell() *shape {
	meta := nameAndTags(
		named{"collapsed", &shape{kinds: aBool}},
		named{"scrolled", &shape{kinds: aBool | aString, words: []string{"auto"}}},
	)
	if r.minor >= 4 {
		meta.fields = append(meta.fields, named{"execution", &shape{kinds: anObject, match: oneLine, matched: str()}})
	}
	return r.cellOf(meta, []string{"outputs", "execution_count"},
		named{"outputs", &shape{kinds: anArray, elems: r.anyOutput()}},
		named{"execution_count", count()},
	)
}

func (r rules4) anyOutput() *shape {
	data, meta := named{"data", r.bundle()}, named{"metadata", anyObject()}
	s := &shape{kinds: anObject, by: "output_type", variants: []named{
		{ExecuteResultOutput, r.output(data, meta, named{"execution_count", count()})},
		{DisplayDataOutput, r.output(data, meta)},
		{StreamOutput, r.output(named{"name", str()}, named{"text", lines()})},
		{ErrorOutput, r.output(named{"ename", str()}, named{"evalue", str()}, named{"traceback", &shape{kinds: anArray, elems: str()}})},
	}}
	if r.future {
		s.unrecognized = &shape{}
	}
	return s
}

// output is an output with exactly these fields.
func (r rules4) output(fs ...named) *shape {
	s := &shape{closed: !r.future, fields: append(fs, named{"output_type", nil})}
	for _, f := range fs {
		s.required = append(s.required, f.name)
	}
	return s
}

// bundle is data by mime type: texts, and any value for JSON.
func (r rules4) bundle() *shape {
	s := &shape{kinds: anObject, match: jsonKey, others: lines()}
	if r.future {
		s.others = nil
	}
	return s
}
