package nbformat

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// nb4 is a notebook of nbformat 4.4 with one cell's JSON and metadata.
func nb4(meta string, cells ...string) string {
	return `{"metadata":` + meta + `,"nbformat":4,"nbformat_minor":4,"cells":[` + strings.Join(cells, ",") + `]}`
}

func codeCell(outputs ...string) string {
	return `{"cell_type":"code","execution_count":null,"metadata":{},"source":"","outputs":[` + strings.Join(outputs, ",") + `]}`
}

func mdCell(source string) string {
	return `{"cell_type":"markdown","metadata":{},"source":` + source + `}`
}

// edgeCases are notebooks that real corpora seldom have.
func edgeCases(ask ...string) []question {
	var qs []question
	add := func(name, text string) { qs = append(qs, question{name: name, text: text, ask: ask}) }
	for _, n := range []string{
		"0", "-0", "-0.0", "1.0", "1e5", "1E5", "1e15", "1e16", "123456789012345678", "1e-4", "1e-5", "0.0001", "1.10", "1e400", "-1e400",
		"NaN", "Infinity", "-Infinity", "12345678901234567890123", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308",
		"0.1", "100000000000000000.0", "9007199254740993.0", "1e22", "1e21", "123456.789e3", "9999999999999998.0", "99999999999999990.0", "-1.5e-7", "1e+05", "3.0e0",
	} {
		add("number "+n, nb4(`{"n":`+n+`}`))
	}
	for _, s := range []string{
		`"a\u2028b\u2029c"`, "\"a\u2028b\u2029c\u0085d\"", `"a\u000bb\fc\u001cd\u001de\u001ef\u0085g"`, `"a\rb\r\nc\n\rd"`, `"\/<>&\u007f\u0080\u001f\b\t"`,
		`["a","b\n","c"]`, `[]`, `""`, `"\n"`, `"\n\n"`, `["",""]`, `"\ud83d\ude00x\u00e9"`, `"x\r"`, `"é日本 😀"`, `"a\u0000b"`,
	} {
		add("source "+s, nb4(`{}`, mdCell(s)))
		add("stream "+s, nb4(`{}`, codeCell(`{"output_type":"stream","name":"stdout","text":`+s+`}`)))
		for _, mime := range []string{"text/plain", "image/png", "image/svg+xml", "application/javascript", "application/json", "application/x+json", "application/pdf", "application/vnd.x", "text/x+json"} {
			add("data "+mime+" "+s, nb4(`{}`, codeCell(`{"output_type":"display_data","metadata":{},"data":{"`+mime+`":`+s+`}}`)))
		}
		add("attachment "+s, nb4(`{}`, `{"cell_type":"markdown","metadata":{},"source":"","attachments":{"a.png":{"image/png":`+s+`,"text/html":`+s+`}}}`))
		add("update output "+s, nb4(`{}`, codeCell(`{"output_type":"error","text":`+s+`}`)))
		add("unknown output "+s, nb4(`{}`, codeCell(`{"output_type":"novel","text":`+s+`,"data":{"text/plain":`+s+`}}`)))
		add("raw cell outputs "+s, nb4(`{}`, `{"cell_type":"raw","metadata":{},"source":`+s+`,"outputs":[{"output_type":"stream","text":`+s+`}]}`))
	}
	add("keys", nb4(`{"b":1,"a":2,"😀":3,"\uffee":4,"B":5,"":6,"é":7,"a\"":8,"a b":9}`))
	add("duplicate keys", nb4(`{"a":1,"b":2,"a":{"c":[],"c":{}}}`))
	add("duplicate source", nb4(`{}`, `{"cell_type":"markdown","source":"x","metadata":{"trusted":true},"source":["y\nz"]}`))
	add("transient", nb4(`{"orig_nbformat":3,"orig_nbformat_minor":2,"signature":"x","kept":{"signature":1}}`, `{"cell_type":"markdown","source":"x","metadata":{"trusted":true,"x":{"trusted":1}}}`))
	add("empties", nb4(`{"a":{},"b":[],"c":[[],{}],"d":[[[]]],"e":{ },"f":[
	]}`))
	add("mixed list", nb4(`{}`, codeCell(`{"output_type":"display_data","metadata":{},"data":{"text/plain":["a",1],"image/png":["a",null],"text/html":5}}`)))
	add("mime json list", nb4(`{}`, codeCell(`{"output_type":"execute_result","execution_count":1.0,"metadata":{"a":[1]},"data":{"application/json":["a","b"],"application/geo+json":{"b":1,"a":[1.0]}}}`)))
	add("lone surrogate", nb4(`{"a":"\ud800","b":"\udc00x\ud83d"}`))
	add("4.5 without ids", `{"metadata":{},"nbformat":4,"nbformat_minor":5,"cells":[`+mdCell(`"a"`)+`,`+codeCell()+`]}`)
	add("4.5 with ids twice", `{"metadata":{},"nbformat":4,"nbformat_minor":5,"cells":[{"id":"a","cell_type":"raw","metadata":{},"source":""},{"id":"a","cell_type":"raw","metadata":{},"source":""}]}`)
	add("4.99", `{"metadata":{},"nbformat":4,"nbformat_minor":99,"future":1,"cells":[{"id":"a","cell_type":"novel","metadata":{},"source":"a\nb"}]}`)
	add("nbformat 4.0 as float", `{"metadata":{},"nbformat":4.0,"nbformat_minor":2,"cells":[]}`)
	add("not an output", nb4(`{}`, `{"cell_type":"markdown","metadata":{},"source":{"a":1}}`))
	return append(qs, oldCases(ask...)...)
}

// oldCases are notebooks of nbformat 1 to 3.
func oldCases(ask ...string) []question {
	var qs []question
	for major, texts := range map[int][]string{
		2: {`"a\nb"`, `["a","b"]`, `["a\n","b"]`, `[]`, `""`, `"a\n"`, `"é\n"`, `["a","","b"]`},
		3: {`"a\nb"`, `["a","b"]`, `["a\n","b"]`, `[]`, `""`, `"a\n"`, `"é\n\u2028x"`, `["a\r","b"]`, `["a","b\n"]`},
	} {
		for _, s := range texts {
			cells := []string{
				`{"cell_type":"code","language":"python","collapsed":true,"input":` + s + `,"prompt_number":3,"metadata":{"trusted":true},"outputs":[` +
					`{"output_type":"pyout","prompt_number":3,"text":` + s + `,"html":` + s + `,"png":"AA==","metadata":{"png":{"width":1}}},` +
					`{"output_type":"display_data","latex":` + s + `,"svg":` + s + `,"javascript":` + s + `,"jpeg":"AA=="},` +
					`{"output_type":"stream","stream":"stderr","text":` + s + `},{"output_type":"stream","text":` + s + `},` +
					`{"output_type":"pyerr","ename":"E","evalue":"v","traceback":["t\nu"]}]}`,
				`{"cell_type":"markdown","source":` + s + `,"rendered":` + s + `}`,
				`{"cell_type":"html","source":` + s + `}`, `{"cell_type":"raw","source":` + s + `,"trusted":true}`,
				`{"cell_type":"heading","level":2,"source":` + s + `}`, `{"cell_type":"heading","source":` + s + `}`,
				`{"cell_type":"code","outputs":[{"output_type":"display_data","json":"{\"b\": 1.0, \"a\": [NaN]}"}]}`,
			}
			text := `{"metadata":{"name":"x","signature":"y","z":1},"nbformat":` + strconv.Itoa(major) + `,"nbformat_minor":0,"orig_nbformat":2,"worksheets":[{"metadata":{"w":1},"cells":[` +
				strings.Join(cells, ",") + `]},{"cells":[` + cells[1] + `]}]}`
			qs = append(qs, question{name: "nbformat " + strconv.Itoa(major) + " " + s, text: text, ask: ask})
		}
	}
	qs = append(qs, question{name: "nbformat 3 empty", text: `{"metadata":{},"nbformat":3,"nbformat_minor":0,"worksheets":[]}`, ask: ask})
	return append(qs, question{name: "nbformat 1", text: `{"cells":[{"cell_type":"code","code":"1+1","prompt_number":4},{"cell_type":"code","code":"2"},{"cell_type":"text","text":"a\nb"}]}`, ask: ask})
}

// Canonical gives the bytes of nbformat.read and nbformat.write, over the
// corpus and the edge cases.
func TestCanonicalIsNbformats(t *testing.T) {
	t.Parallel()
	questions := append(corpusQuestions(t, "canonical"), edgeCases("canonical")...)
	answers := oracle(t, questions)
	same, masked, unread, already := 0, 0, 0, 0
	for i, q := range questions {
		data := q.data(t)
		want := answers[i].Get("canonical").At(0)
		if want.Kind() == Absent {
			t.Logf("nbformat cannot: %s: %s", q.name, answers[i].Get("canonical_error").Text())
			unread++
			if d, err := Parse(data); err == nil {
				again(t, q.name, d)
			}
			continue
		}
		d, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
			continue
		}
		got, err := Canonical(d)
		if d.Major() == 1 {
			if err == nil {
				t.Errorf("%s: nbformat 1 has a canonical form", q.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
			continue
		}
		var streamed bytes.Buffer
		if n, err := WriteCanonical(&streamed, d); err != nil || n != int64(len(got)-1) || !bytes.Equal(streamed.Bytes(), got[:len(got)-1]) {
			t.Errorf("%s: written as a stream it differs: %d bytes, %v", q.name, n, err)
		}
		if n, _ := answers[i].Get("canonical").At(1).Int(); n > 0 {
			masked++
		}
		if string(got) != want.Text() {
			t.Errorf("%s: differs from nbformat%s", q.name, firstDifference(got, []byte(want.Text())))
			continue
		}
		if bytes.Equal(got, data) {
			already++
		}
		same++
		again(t, q.name, d)
	}
	t.Logf("%d of %d files as nbformat writes them (%d of them with random ids masked), %d were so already; nbformat itself fails on %d", same, len(questions), masked, already, unread)
}

// again checks that the canonical form of the canonical form is itself.
func again(t *testing.T, name string, d *Document) {
	t.Helper()
	once, err := Canonical(d)
	if err != nil {
		return
	}
	d, err = Parse(once)
	if err != nil {
		t.Errorf("%s: the canonical form does not parse: %v", name, err)
		return
	}
	if twice, err := Canonical(d); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%s: the canonical form is not stable %v%s", name, err, firstDifference(once, twice))
	}
}

func firstDifference(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	from := max(0, i-60)
	return "\n got " + strconv.Quote(string(a[from:min(len(a), i+60)])) + "\nwant " + strconv.Quote(string(b[from:min(len(b), i+60)]))
}
