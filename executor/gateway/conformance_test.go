package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/executor"
	"assay/executor/kerneltest"
	"assay/internal/testenv"
)

// TestConformance runs the suite that every implementation of executor.Kernel
// passes, with the kernels that the gateway's environment has.
func TestConformance(t *testing.T) {
	t.Parallel()
	p := real(t, "kernelgateway")
	specs, err := Kernelspecs(t.Context(), options(p))
	if err != nil {
		t.Fatal(err)
	}
	var have []kerneltest.Kernel
	for _, k := range kerneltest.Kernels() {
		if (k.Env == "main" || k.Env == "r") && slices.ContainsFunc(specs, func(s Spec) bool { return s.Name == k.Name }) {
			have = append(have, k)
		}
	}
	if len(have) == 0 {
		testenv.Missing(t, "kernels of the gateway's environment")
	}
	for _, k := range have {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			kerneltest.Run(t, conformance(p, k))
		})
	}
}

// conformance is the suite for one kernel behind p.
func conformance(p *gatewayProcess, k kerneltest.Kernel) kerneltest.Suite {
	return kerneltest.Suite{
		Kernels: []kerneltest.Kernel{k},
		Start: func(t testing.TB, k kerneltest.Kernel, env ...string) executor.Kernel {
			o := options(p)
			o.Kernel, o.Env = k.Name, map[string]string{}
			for _, e := range env {
				name, value, _ := strings.Cut(e, "=")
				o.Env[name] = value
			}
			kernel, err := Start(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			return kernel
		},
		Gone: func(k executor.Kernel) error {
			c, err := newClient(options(p))
			if err != nil {
				return err
			}
			defer c.http.CloseIdleConnections()
			var status *statusError
			if _, err := c.kernel(context.Background(), k.(*Kernel).ID()); !errors.As(err, &status) || status.Status != 404 {
				return fmt.Errorf("the gateway still knows the kernel: %v", err)
			}
			return nil
		},
	}
}
