package strip

import "assay/nbformat"

// Zeppelin takes the results out of a notebook of Apache Zeppelin's (.zpln):
// each paragraph's results become {}, and every other byte stays.
func Zeppelin(data []byte) ([]byte, Report, error) {
	t, err := nbformat.ParseTree(data)
	if err != nil {
		return nil, Report{}, err
	}
	list, ok := t.Root().Get("paragraphs")
	if !ok || list.Value().Kind() != nbformat.Array {
		return nil, Report{}, &nbformat.NotNotebookError{Msg: "it has no paragraphs"}
	}
	var r Report
	for i, p := range list.Elems() {
		results, ok := p.Get("results")
		if !ok {
			continue
		}
		v := results.Value()
		if v.Kind() == nbformat.Object && v.Len() == 0 {
			continue
		}
		id, _ := p.Get("id")
		r.Removed = append(r.Removed, Removal{Cell: i, ID: id.Value().Text(), Rule: RuleResults, Path: "results", value: v})
		set(results, "{}")
	}
	r.Changed = len(r.Removed) > 0
	return t.Bytes(), r, nil
}
