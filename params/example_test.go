package params_test

import (
	"fmt"

	"assay/nbformat"
	"assay/params"
)

func ExampleInject() {
	d := nbformat.New(5)
	if err := d.SetMetadata([]byte(`{"name":"python3","language":"python","display_name":"Python 3"}`), "kernelspec"); err != nil {
		panic(err)
	}
	if _, err := d.Insert(0, nbformat.NewCell{Type: "code", Source: "city = 'Rome'\ndays: int = 7  # to look back", Tags: []string{"parameters"}}); err != nil {
		panic(err)
	}
	m := new(params.Map)
	m.Set("city", "Bern")
	m.Set("days", params.ResolveArg("30"))
	in, err := params.Inject(d, m, &params.InjectOptions{Strict: true})
	if err != nil {
		panic(err)
	}
	fmt.Print(d.Cell(in.Index).Source())
	// Output:
	// # Parameters
	// city = "Bern"
	// days = 30
}
