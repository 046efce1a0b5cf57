package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"assay/executor/gateway"
	"assay/notebooks"
)

// remoteKernel is a kernel of a gateway.
type remoteKernel struct {
	Name          string `json:"name"`
	DisplayName   string `json:"display_name"`
	Language      string `json:"language"`
	InterruptMode string `json:"interrupt_mode"`
	Default       bool   `json:"default"`
}

// remoteKernels is what `kernels list --gateway URL --json` prints.
type remoteKernels struct {
	Version int            `json:"v"`
	Gateway string         `json:"gateway"`
	Kernels []remoteKernel `json:"kernels"`
}

// remoteExplained is what `kernels explain --gateway URL --json` prints.
type remoteExplained struct {
	Version int          `json:"v"`
	Gateway string       `json:"gateway"`
	Spec    remoteKernel `json:"spec"`
}

func (f *kernelFlags) gatewayOptions() *gateway.Options {
	return &gateway.Options{URL: f.gateway, Token: os.Getenv("ASSAY_GATEWAY_TOKEN")}
}

// remote asks the gateway for its kernels.
func (f *kernelFlags) remote(ctx context.Context) ([]remoteKernel, error) {
	specs, err := gateway.Kernelspecs(ctx, f.gatewayOptions())
	if err != nil {
		return nil, surroundings(err)
	}
	kernels := make([]remoteKernel, len(specs))
	for i, s := range specs {
		kernels[i] = remoteKernel{s.Name, s.DisplayName, s.Language, s.InterruptMode, s.Default}
	}
	return kernels, nil
}

func (f *kernelFlags) listRemote(ctx context.Context) error {
	kernels, err := f.remote(ctx)
	if err != nil {
		return err
	}
	at := notebooks.Redact(f.gateway)
	if err := f.print(remoteKernels{1, at, kernels}, func(w io.Writer) {
		for _, k := range kernels {
			fmt.Fprintf(w, "%s\t%s\t%s\n", inLine(k.Name), inLine(k.Language), inLine(k.DisplayName))
		}
	}); err != nil {
		return err
	}
	if len(kernels) == 0 {
		return surroundings(fmt.Errorf("the gateway at %s has no kernel", at))
	}
	return nil
}

// explainRemote shows a kernel as far as a gateway tells: not how it is started.
func (f *kernelFlags) explainRemote(ctx context.Context, name string) error {
	kernels, err := f.remote(ctx)
	if err != nil {
		return err
	}
	at := notebooks.Redact(f.gateway)
	i := slices.IndexFunc(kernels, func(k remoteKernel) bool { return k.Name == name })
	if i < 0 {
		return &exitError{code: exitSurroundings, err: fmt.Errorf("the gateway at %s has no kernel %q", at, name), hint: "it has " + namesOf(kernels)}
	}
	k := kernels[i]
	return f.print(remoteExplained{1, at, k}, func(w io.Writer) {
		fmt.Fprintf(w, "name\t%s\nshown as\t%s\nlanguage\t%s\nfrom\t%s\ninterrupted by\t%s\n",
			inLine(k.Name), inLine(k.DisplayName), inLine(k.Language), at, inLine(k.InterruptMode))
		if k.Default {
			fmt.Fprintln(w, "note\twhat the gateway starts for a notebook that names none")
		}
	})
}

// namesOf names kernels in a sentence.
func namesOf(kernels []remoteKernel) string {
	var names []string
	for _, k := range kernels {
		name := k.Name
		if k.Default {
			name += " (its default)"
		}
		names = append(names, name)
	}
	return orNone(strings.Join(names, ", "))
}
