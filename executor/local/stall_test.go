package local

import (
	"bytes"
	"testing"
	"time"

	"assay/executor"
)

// Nothing is lost while nobody calls Next: 60,000 prints and five seconds.
func TestStall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	t.Parallel()
	for _, env := range []string{"main", "old"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			k := startKernel(t, env, Options{Memory: 1 << 20, SpillDir: t.TempDir()})
			id := send(t, k, "for i in range(60000): print(i, flush=True)")
			<-time.After(5 * time.Second) // the stall itself
			for end := time.Now().Add(5 * time.Minute); k.queue.Stats().Spilled == 0 && time.Now().Before(end); {
				<-time.After(10 * time.Millisecond) // a slow kernel has not said more than memory holds by then
			}
			lines := 0
			status := await(t, k, id, func(m executor.Message) {
				if m.Header.Type == "stream" {
					lines += bytes.Count(m.Content, []byte(`\n`))
				}
			})
			if status != "ok" || lines != 60000 {
				t.Errorf("status %q, %d lines of 60000", status, lines)
			}
			if s := k.queue.Stats(); s.Spilled == 0 {
				t.Errorf("the spill file was not used: %+v", s)
			}
		})
	}
}

// Nothing is lost at full speed, where libzmq drops by default.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	t.Parallel()
	k := startKernel(t, "main", Options{})
	const code = `k = get_ipython().kernel
for i in range(100000): k.send_response(k.iopub_socket, "stream", {"name": "stdout", "text": "x"})`
	got := 0
	start := time.Now()
	status := execute(t, k, code, func(m executor.Message) {
		if m.Header.Type == "stream" {
			got++
		}
	})
	t.Logf("%d messages in %v", got, time.Since(start))
	if status != "ok" || got != 100000 {
		t.Errorf("status %q, %d messages of 100000", status, got)
	}
}
