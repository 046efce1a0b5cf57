package strip

import (
	"strings"
	"testing"

	"assay/nbformat"
)

// Cells and metadata of which no reader knows went into the repository with
// their outputs: of a name that stands twice, programs see the last.
func TestHiddenCellsGo(t *testing.T) {
	t.Parallel()
	const cell = `{"cell_type":"code","metadata":{},"source":"","execution_count":null,"outputs":[{"output_type":"stream","name":"stdout","text":"SECRET"}]}`
	for _, text := range []string{
		`{"cells":[` + cell + `],"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":4}`,
		`{"cells":[],"metadata":{"widgets":"SECRET"},"metadata":{},"nbformat":4,"nbformat_minor":4}`,
		`{"worksheets":[{"cells":[` + cell + `],"cells":[]}],"metadata":{},"nbformat":3,"nbformat_minor":0}`,
		`{"worksheets":[{"cells":[` + cell + `]}],"worksheets":[],"metadata":{},"nbformat":3,"nbformat_minor":0}`,
	} {
		d, err := nbformat.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		report, err := Strip(d, nil)
		if err != nil {
			t.Fatal(err)
		}
		after := string(d.Bytes())
		if _, err := nbformat.Parse([]byte(after)); err != nil || !report.Changed || strings.Contains(after, "SECRET") {
			t.Errorf("%v, changed %v: %s", err, report.Changed, after)
		}
	}
}
