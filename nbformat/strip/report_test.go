package strip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/nbformat"
)

// What went is said by cell and line, whichever rule took it.
func TestReport(t *testing.T) {
	t.Parallel()
	text := `{"metadata":{"a":{"b.c":1}},"nbformat":4,"nbformat_minor":4,"cells":[
{"cell_type":"code","metadata":{"tags":["x","hide"]},"source":"1","execution_count":null,"outputs":[]},
{"cell_type":"raw","metadata":{},"source":[" \n"]},
{"cell_type":"code","id":"` + strings.Repeat("é", 30) + `","metadata":{},"source":"1","execution_count":12,"outputs":[
{"output_type":"stream","name":"stdout","text":"x"},
{"output_type":"display_data","data":{},"metadata":{}},
{"output_type":"display_data","data":{},"metadata":{}},
{"output_type":"execute_result","execution_count":12,"data":{},"metadata":{}}],"outputs":[
{"output_type":"stream","name":"stdout","text":"x"},
{"output_type":"display_data","data":{},"metadata":{}},
{"output_type":"display_data","data":{},"metadata":{}},
{"output_type":"execute_result","execution_count":12,"data":{},"metadata":{}}]}]}`
	o := &Options{
		Keys: []string{"metadata.a.b.c", "cell.nothing.at.all"}, KeepTypes: []string{"execute_result"},
		DropTags: []string{"no", "hide"}, DropEmpty: true, SequentialIDs: true,
	}
	got, said := stripped(t, text, o)
	id := strings.Repeat("é", 30)
	want := []string{
		"1: metadata.a.b.c",
		"2: cell 1 (): a cell with the tag hide",
		"3: cell 2 (): a cell without text",
		"8: cell 3 (" + id + "): outputs hidden behind a second field of that name",
		"9: cell 3 (" + id + "): 3 outputs: stream, 2 display_data",
		"12: cell 3 (" + id + "): execution_count 12",
		"4: cell 3 (" + id + "): execution_count 12",
		`4: cell 3 (` + id + `): id "` + strings.Repeat("é", 19) + "…",
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	left := `{"metadata":{"a":{}},"nbformat":4,"nbformat_minor":4,"cells":[
{"cell_type":"code","id":"0","metadata":{},"source":"1","execution_count":null,"outputs":[
{"output_type":"execute_result","execution_count":null,"data":{},"metadata":{}}]}]}`
	if d := cmp.Diff(left, got); d != "" {
		t.Error(d)
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"0": 0, "12": 12, "3k": 3000, "3K": 3000, "2m": 2e6, "1G": 1e9, "": -1, "k": -1, "-1": -1, "1.5k": -1, "1T": -1, "9223372036854775807k": -1} {
		got, err := ParseSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for key, fine := range map[string]bool{
		"metadata.x": true, "cell.metadata.x.y": true, "cell.attachments": true, "cell.id": true,
		"": false, "metadata": false, "metadata.": false, "cell.": false, "x.y": false, "cell.source": false, "cell.metadata": false, "cell.cell_type": false,
	} {
		if got := CheckKey(key) == ""; got != fine {
			t.Errorf("%q: %v", key, got)
		}
	}
}

func TestUnixNewlines(t *testing.T) {
	t.Parallel()
	if got := string(UnixNewlines([]byte("{\r\n\"a\":\r\"\\r\\n\"\n}\r\n"))); got != "{\n\"a\":\n\"\\r\\n\"\n}\n" {
		t.Errorf("%q", got)
	}
}

func TestZeppelin(t *testing.T) {
	t.Parallel()
	text := "{ \"paragraphs\" : [ {\"text\":\"x\",\n\"results\" : {\"msg\":[1]} , \"id\":\"p\"}, 3, {\"results\":{ }}, {\"results\":null} ] }"
	got, r, err := Zeppelin([]byte(text))
	want := "{ \"paragraphs\" : [ {\"text\":\"x\",\n\"results\" : {} , \"id\":\"p\"}, 3, {\"results\":{ }}, {\"results\":{}} ] }"
	if err != nil || string(got) != want || len(r.Removed) != 2 || r.Removed[0].Line() != 2 || r.Removed[0].ID != "p" {
		t.Errorf("%s %+v %v", got, r, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"paragraphs":{}}`, `{"cells":[]}`} {
		if _, _, err := Zeppelin([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// Outputs of very many types, which a stranger can make up, took minutes to count.
func TestReportOfManyTypes(t *testing.T) {
	t.Parallel()
	var outputs []string
	for i := range 200_000 {
		outputs = append(outputs, fmt.Sprintf(`{"output_type":"t%d"}`, i))
	}
	d, err := nbformat.Parse([]byte(`{"cells":[{"cell_type":"code","metadata":{},"source":"","execution_count":null,"outputs":[` + strings.Join(outputs, ",") + `]}],"metadata":{},"nbformat":4,"nbformat_minor":4}`))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Strip(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if text := report.Removed[0].String(); !strings.HasPrefix(text, "200000 outputs: t0, t1, ") {
		t.Errorf("it says %.60s", text)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
