package drivers

import (
	"bytes"
	"os"

	"assay/nbformat"
)

// Blamed tells whether text is what git blame hands the clean filter in place
// of the notebook that the working tree has at path, and gives what to answer.
//
// To blame the working tree, git 2.39 converts the file to text by the diff
// driver's textconv and then cleans that text as if it were the file
// (builtin/blame.c, fake_working_tree_commit). A required filter that refused it
// would end git blame on every notebook. So text in the form of Textconv passes
// where the file itself is a notebook: nothing of it gets into the history,
// because git add reads the file. Where it is Textconv's text without flags, the
// answer is the text of the notebook as strip leaves it, which is what git
// compares it with: outputs are no lines of the working tree.
func (g Git) Blamed(path string, text []byte, strip func(notebook []byte) ([]byte, error)) ([]byte, bool) {
	if !bytes.HasPrefix(text, []byte("── ")) { // each part begins so
		return nil, false
	}
	file, err := g.abs(path)
	if err != nil {
		return nil, false
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	if _, err := nbformat.Parse(data); err != nil {
		return nil, false
	}
	var plain bytes.Buffer
	if err := showText(&plain, data, nil); err != nil || !bytes.Equal(plain.Bytes(), text) {
		return text, true
	}
	stripped, err := strip(data)
	if err != nil {
		return text, true
	}
	var answer bytes.Buffer
	if err := showText(&answer, stripped, nil); err != nil {
		return text, true
	}
	return answer.Bytes(), true
}
