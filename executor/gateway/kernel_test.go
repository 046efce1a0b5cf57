package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/executor"
)

func field(m executor.Message, name string) string {
	var fields map[string]any
	_ = json.Unmarshal(m.Content, &fields)
	s, _ := fields[name].(string)
	return s
}

func TestRealServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server string
		legacy bool
	}{
		{"kernelgateway", false},
		{"kernelgateway", true},
		{"jupyterserver", false},
		{"enterprise", false},
	} {
		t.Run(fmt.Sprintf("%s legacy=%v", c.server, c.legacy), func(t *testing.T) {
			t.Parallel()
			o := options(real(t, c.server))
			o.Legacy = c.legacy
			o.Kernel = "python3"
			o.Env = map[string]string{"KERNEL_USERNAME": "tester"} // Enterprise Gateway starts nothing for root
			k := startKernel(t, o)
			info := k.Info()
			if info.Name != "python3" || info.Language != "python" || info.Implementation != "ipython" ||
				info.Session == "" || info.Via != "gateway" || info.Where != o.URL || !json.Valid(info.LanguageInfo) || info.Banner == "" {
				t.Errorf("info %+v", info)
			}
			// Enterprise Gateway pins a jupyter_client whose ids have no process in them.
			if info.Counted == (c.server == "enterprise") {
				t.Errorf("counted is %v", info.Counted)
			}
			if k.sock.v1 == c.legacy {
				t.Errorf("legacy is %v, and v1 spoken is %v", c.legacy, k.sock.v1)
			}
			r := run(t, k, "import sys\nprint('é\\ud800'.encode('utf-8','replace').decode(), 12345678901234567890)\nprint('err', file=sys.stderr)\n6*7")
			if r.err != nil || r.stdout != "é? 12345678901234567890\n" || r.stderr != "err\n" || len(r.results) != 1 || !strings.Contains(r.results[0], `"42"`) {
				t.Errorf("%+v", r)
			}
			if info.Counted && r.gaps != 0 || len(r.losses) != 0 {
				t.Errorf("%d gaps, losses %v", r.gaps, r.losses)
			}
			r = run(t, k, "from ipykernel.comm import Comm\nComm(target_name='t', buffers=[b'\\x00\\xff', b''], data={'a':1})\n1/0")
			if want := [][]byte{{0, 255}, {}}; r.err != nil || !slices.EqualFunc(r.buffers, want, slices.Equal) {
				t.Errorf("buffers %v, %v", r.buffers, r.err)
			}
			if field(r.reply, "status") != "error" || field(r.reply, "ename") != "ZeroDivisionError" {
				t.Errorf("reply %s", r.reply.Content)
			}
		})
	}
}

// TestCellTime prints what a trivial cell takes, with connections as they are
// and with plain ones, which wait for a delayed acknowledgement. The benchmark
// of the whole program holds the limit.
func TestCellTime(t *testing.T) {
	o := options(real(t, "kernelgateway"))
	for _, plain := range []bool{false, true} {
		c, err := newClient(o)
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			c.http.Transport = &http.Transport{}
		}
		m, _, err := c.begin(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		k := newKernel(c, o, m.ID)
		t.Cleanup(func() { _ = k.Kill() })
		if err := k.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		run(t, k, "1")
		var times []time.Duration
		for range 60 {
			at := time.Now()
			run(t, k, "1")
			times = append(times, time.Since(at))
		}
		slices.Sort(times)
		t.Logf("plain %v: cell median %v, p90 %v", plain, times[30], times[54])
	}
}
