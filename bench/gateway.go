package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"assay/executor"
	"assay/executor/gateway"
)

// startGateway starts a Kernel Gateway on loopback and waits until it answers.
func (b *bench) startGateway(limited bool) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	args := []string{"--KernelGatewayApp.ip=127.0.0.1", fmt.Sprintf("--KernelGatewayApp.port=%d", port), "--KernelGatewayApp.port_retries=0"}
	if !limited {
		args = append(args, "--ZMQChannelsWebsocketConnection.limit_rate=False")
	}
	cmd := exec.Command(b.tool("jupyter-kernelgateway"), args...)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(b.env, "bin")+":"+os.Getenv("PATH"))
	cmd.Dir = b.work
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { cmd.Process.Signal(os.Interrupt); cmd.Process.Kill(); cmd.Wait() }
	url = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(time.Minute); ; {
		res, err := http.Get(url + "/api")
		if err == nil {
			res.Body.Close()
			return url, stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return "", nil, fmt.Errorf("the gateway does not answer: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// loopGateway is the floor behind a gateway: our transport with quick ACK, and
// a loop that sends and only waits for reply and idle.
func loopGateway(ctx context.Context, k executor.Kernel, n int, code func(int) string) (time.Duration, error) {
	began := time.Now()
	for i := range n {
		id := fmt.Sprintf("loop-%d", i)
		content := fmt.Appendf(nil, `{"code":%q,"silent":false,"store_history":true,"user_expressions":{},"allow_stdin":false,"stop_on_error":true}`, code(i))
		if err := k.Send(ctx, executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: id, Type: "execute_request"}, Content: content}); err != nil {
			return 0, err
		}
		for replied, idle := false, false; !replied || !idle; {
			m, err := k.Next(ctx)
			if err != nil {
				return 0, err
			}
			if m.Parent.MsgID != id {
				continue
			}
			replied = replied || m.Header.Type == "execute_reply"
			idle = idle || m.Header.Type == "status" && len(m.Content) < 64 && slices.Contains([]string{`{"execution_state": "idle"}`, `{"execution_state":"idle"}`}, string(m.Content))
		}
	}
	return time.Since(began), nil
}

func (b *bench) gateway() error {
	url, stop, err := b.startGateway(false)
	if err != nil {
		return err
	}
	defer stop()
	works := []struct {
		name  string
		cells []string
	}{
		{"three cells", threeCells},
		{"1,000 trivial cells", trivial(1000)},
		{"100,000 lines, 50 MB", []string{fiftyMegabytes}},
		{"20,000 flushed prints", []string{"for i in range(20000):\n    print(i, flush=True)"}},
	}
	for _, w := range works {
		ctx := context.Background()
		k, err := gateway.Start(ctx, &gateway.Options{URL: url, Kernel: "python3", StartTimeout: time.Minute})
		if err != nil {
			return err
		}
		floor, err := loopGateway(ctx, k, len(w.cells), func(i int) string { return w.cells[i] })
		k.Close(ctx)
		if err != nil {
			return err
		}
		nb, err := b.notebook("gateway.ipynb", w.cells...)
		if err != nil {
			return err
		}
		ours, _, err := b.assayCells(nb, "--gateway", url)
		if err != nil {
			return err
		}
		lines, err := countLines(b.path("assay.ipynb"))
		if err != nil {
			return err
		}
		b.add("through a Kernel Gateway: "+w.name, fmt.Sprintf("%s, %d lines kept", seconds(ours), lines), "bare loop with quick ACK "+seconds(floor), share(ours, floor), "<= 1.15x the loop")
	}
	return b.limited()
}

// limited shows that what a gateway's rate limit drops is found and named.
func (b *bench) limited() error {
	url, stop, err := b.startGateway(true)
	if err != nil {
		return err
	}
	defer stop()
	nb, err := b.notebook("limited.ipynb", "for i in range(20000):\n    print(i, flush=True)")
	if err != nil {
		return err
	}
	m, err := b.once(nil, b.assay, "run", nb, b.path("limited-out.ipynb"), "--json", "--gateway", url)
	verdict := "not found"
	if err != nil && contains([]byte(m.out[max(0, len(m.out)-4000):]), []byte(`"incomplete"`)) {
		verdict = "found: the run is incomplete"
	}
	b.add("the same prints, rate limit on", verdict, "–", "–", "found and named")
	return nil
}

func trivial(n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf("x = %d", i)
	}
	return s
}

func median[T cmp.Ordered](d []T) T {
	slices.Sort(d)
	return d[len(d)/2]
}
