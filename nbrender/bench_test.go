package nbrender

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

// A notebook of 5 MB as they are: text, code, tables, pictures and prints.
func BenchmarkNotebook(b *testing.B) {
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1, 2, 3, 250}, 10_000))
	var cells []string
	size := 0
	for i := 0; size < 5<<20; i++ {
		cell := markdownCell(fmt.Sprintf("## Part %d\n\nSome *text* with $x_%d$ and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", i, i)) + "," +
			codeCell(strings.Repeat("for row in frame.itertuples():\n    print(f\"{row.name}\", 1.5)  # each\n", 10),
				`{"output_type":"stream","name":"stdout","text":`+quoted(strings.Repeat("epoch 1 loss 0.5\n", 60))+`},`+
					`{"output_type":"display_data","metadata":{},"data":{"image/png":"`+picture+`"}},`+
					`{"output_type":"display_data","metadata":{},"data":{"text/html":`+quoted("<table>"+strings.Repeat("<tr><td>0.1</td><td>0.2</td></tr>", 200)+"</table>")+`}}`)
		cells = append(cells, cell)
		size += len(cell)
	}
	d := notebookOf(strings.Join(cells, ","))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := Notebook(io.Discard, d, nil); err != nil {
			b.Fatal(err)
		}
	}
}
