package nbformat

// What nbformat 3 wants of a notebook. A worksheet that is no object is let
// pass, as nbformat's validator does.

func notebook3() *shape {
	kernel := &shape{kinds: anObject, required: []string{"name", "language"}, fields: []named{{"name", str()}, {"language", str()}, {"codemirror_mode", str()}}}
	worksheet := &shape{closed: true, required: []string{"cells"}, fields: []named{
		{"cells", &shape{kinds: anArray, elems: anyCell3()}},
		{"metadata", anyObject()},
	}}
	return &shape{
		kinds: anObject, closed: true,
		required: []string{"metadata", "nbformat_minor", "nbformat", "worksheets"},
		fields: []named{
			{"metadata", &shape{kinds: anObject, fields: []named{{"kernel_info", kernel}, {"signature", str()}}}},
			{"nbformat", &shape{kinds: aWhole, least: bound(3), most: bound(3)}},
			{"nbformat_minor", &shape{kinds: aWhole, least: bound(0)}},
			{"orig_nbformat", &shape{kinds: aWhole, least: bound(1)}},
			{"orig_nbformat_minor", &shape{kinds: aWhole, least: bound(0)}},
			{"worksheets", &shape{kinds: anArray, elems: worksheet}},
		},
	}
}

func anyCell3() *shape {
	text := func(meta *shape, required []string, more ...named) *shape {
		return &shape{
			closed:   true,
			required: append([]string{"source"}, required...),
			fields:   append([]named{{"cell_type", nil}, {"metadata", meta}, {"source", lines()}}, more...),
		}
	}
	markdown := text(nameAndTags(), nil)
	code := &shape{
		closed:   true,
		required: []string{"input", "outputs", "language"},
		fields: []named{
			{"cell_type", nil},
			{"language", str()},
			{"collapsed", &shape{kinds: aBool}},
			{"metadata", anyObject()},
			{"input", lines()},
			{"outputs", &shape{kinds: anArray, elems: anyOutput3()}},
			{"prompt_number", count()},
		},
	}
	return &shape{kinds: anObject, cell: true, by: "cell_type", variants: []named{
		{"raw", text(nameAndTags(named{"format", str()}), nil)},
		{"markdown", markdown},
		{"html", markdown},
		{"heading", text(anyObject(), []string{"level"}, named{"level", &shape{kinds: aWhole, least: bound(1)}})},
		{"code", code},
	}}
}

func anyOutput3() *shape {
	data := func(whole bool, required []string, more ...named) *shape {
		s := &shape{
			closed:   true,
			required: required,
			fields:   append([]named{{"output_type", nil}, {"metadata", anyObject()}}, more...),
			match:    func(key string) bool { return oldMime(key, whole) },
			matched:  lines(),
		}
		for _, key := range []string{"text", "latex", "png", "jpeg", "svg", "html", "javascript", "json", "pdf"} {
			s.fields = append(s.fields, named{key, lines()})
		}
		return s
	}
	exactly := rules4{}.output
	return &shape{kinds: anObject, by: "output_type", variants: []named{
		{"pyout", data(true, []string{"prompt_number"}, named{"prompt_number", &shape{kinds: aWhole, least: bound(0)}})},
		{"display_data", data(false, nil)},
		{"stream", exactly(named{"stream", str()}, named{"text", lines()})},
		{"pyerr", exactly(named{"ename", str()}, named{"evalue", str()}, named{"traceback", &shape{kinds: anArray, elems: str()}})},
	}}
}
