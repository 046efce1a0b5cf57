package local

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"assay/executor"
	"assay/internal/testenv"
)

// patience is what everything that must succeed has: the machine may do much else.
const patience = 5 * time.Minute

// startKernel starts a kernel of the Python environment env, and ends it with the test.
func startKernel(t *testing.T, env string, o Options) *Kernel {
	t.Helper()
	o.Python, o.StartTimeout = testenv.Prefix(t, env), patience
	k, err := Start(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return k.(*Kernel)
}

// execute sends code and gives every message to see until reply and idle are here; it returns the reply's status.
func execute(t *testing.T, k *Kernel, code string, see func(executor.Message)) string {
	t.Helper()
	id := send(t, k, code)
	return await(t, k, id, see)
}

func send(t *testing.T, k *Kernel, code string) string {
	t.Helper()
	m := k.message(executor.Shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true, "allow_stdin": false, "user_expressions": struct{}{}, "stop_on_error": true,
	})
	if err := k.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m.Header.MsgID
}

func await(t *testing.T, k *Kernel, id string, see func(executor.Message)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	status, idle := "", false
	for status == "" || !idle {
		m, err := k.Next(ctx)
		if err != nil {
			t.Fatalf("status %q, idle %v: %v", status, idle, err)
		}
		if m.Parent.MsgID != id {
			continue
		}
		var content struct {
			Status string `json:"status"`
			State  string `json:"execution_state"`
		}
		if err := json.Unmarshal(m.Content, &content); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Header.Type == "execute_reply":
			status = content.Status
		case m.Header.Type == "status" && content.State == "idle":
			idle = true
		}
		if see != nil {
			see(m)
		}
	}
	return status
}

// printed collects the text of stream messages.
func printed(text *string) func(executor.Message) {
	return func(m executor.Message) {
		if m.Header.Type == "stream" {
			var c struct{ Text string }
			_ = json.Unmarshal(m.Content, &c)
			*text += c.Text
		}
	}
}

func TestRunsCode(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"main", "old"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			k := startKernel(t, env, Options{})
			t.Logf("ready after %v", k.Info().Ready.Sub(k.Info().Started))
			var text string
			if status := execute(t, k, "print(6*7)", printed(&text)); status != "ok" || text != "42\n" {
				t.Errorf("got status %q, text %q", status, text)
			}
		})
	}
}
