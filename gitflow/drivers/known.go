package drivers

import (
	"context"
	"strings"
)

// Known tells whether the repository has a blob of these bytes already, from
// whatever commit or git add.
//
// git runs the clean filter not only to add: status, checkout, rm and rebase
// do, to see whether a file is still what they know. A required filter that
// fails then stops them, and a repository with one broken notebook in it could
// not be worked in. So what is known may pass: nothing new gets into the history.
func (g Git) Known(ctx context.Context, data []byte) bool {
	if len(data) == 0 {
		data = []byte{} // nil would be no standard input
	}
	out, err := g.run(ctx, data, "hash-object", "-t", "blob", "--no-filters", "--stdin")
	if err != nil {
		return false
	}
	_, err = g.run(ctx, nil, "cat-file", "-e", strings.TrimSpace(string(out)))
	return err == nil
}
