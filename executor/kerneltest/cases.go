package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/executor"
)

// testCase is one promise of the Kernel interface.
type testCase struct {
	name string
	run  func(*testing.T, *Suite, Kernel)
}

var cases = []testCase{
	{"info", info},
	{"execute", executes},
	{"send without an id", refusesNoID},
	{"next ends with its context", nextContext},
	{"interrupt", interrupts},
	{"kill", kills},
	{"death", dies},
	{"close", closes},
	{"close while next waits", closesConcurrently},
	{"big messages", big},
	{"many prints", prints},
	{"environment", environment},
}

func start(t *testing.T, s *Suite, k Kernel, env ...string) executor.Kernel {
	t.Helper()
	kernel := s.Start(t, k, env...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		_ = kernel.Close(ctx) // the cases that are about Close look at its error
		if s.Gone != nil {
			if err := s.Gone(kernel); err != nil {
				t.Errorf("after Close: %v", err)
			}
		}
	})
	return kernel
}

func info(t *testing.T, s *Suite, k Kernel) {
	i := start(t, s, k).Info()
	if !strings.EqualFold(i.Language, k.Language) {
		t.Errorf("Language %q, want %q", i.Language, k.Language)
	}
	if i.Name == "" || i.Implementation == "" || i.ProtocolVersion == "" || i.Session == "" || i.Via == "" || i.Where == "" {
		t.Errorf("empty fields in %+v", i)
	}
	if len(i.LanguageInfo) == 0 || i.LanguageInfo[0] != '{' {
		t.Errorf("LanguageInfo %q is not an object", i.LanguageInfo)
	}
	if i.Counted != k.Counted {
		t.Errorf("Counted %v, want %v", i.Counted, k.Counted)
	}
	if i.Started.IsZero() || i.Ready.Before(i.Started) {
		t.Errorf("Started %v, Ready %v", i.Started, i.Ready)
	}
}

func executes(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	if k.Print == "" {
		t.Skip("no code for it")
	}
	for range 3 { // the second shows what the first left behind
		d := finish(t, kernel, execute(t, kernel, k.Print), func(m executor.Message) {
			if m.Header.Session != kernel.Info().Session {
				t.Errorf("%s has session %q, the kernel has %q", m.Header.Type, m.Header.Session, kernel.Info().Session)
			}
			if m.Received.IsZero() {
				t.Errorf("%s has no time of arrival", m.Header.Type)
			}
		})
		if k.Late && d.stdout.Len() == 0 {
			d.take(awaitStream(t, kernel, d.id))
		}
		if d.status != "ok" || !d.busy || strings.TrimSpace(d.stdout.String()) != "hello" {
			t.Fatalf("status %q, busy %v, stdout %q", d.status, d.busy, d.stdout.String())
		}
	}
	if k.Fail == "" {
		return
	}
	if d := finish(t, kernel, execute(t, kernel, k.Fail), nil); d.status != "error" {
		t.Errorf("status %q of a cell that fails", d.status)
	}
}

func refusesNoID(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	err := kernel.Send(context.Background(), executor.Message{Channel: executor.Shell, Header: executor.Header{Type: "kernel_info_request"}})
	if err == nil {
		t.Error("a message without an id was sent")
	}
	kernelInfo(t, kernel, executor.Shell) // and it harmed nothing
}

// kernelInfo is a round trip on a channel.
func kernelInfo(t *testing.T, k executor.Kernel, ch executor.Channel) {
	t.Helper()
	id := request(t, k, ch, "kernel_info_request", "{}")
	for {
		if m := next(t, k); m.Parent.MsgID == id && m.Header.Type == "kernel_info_reply" {
			return
		}
	}
}

func nextContext(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	kernelInfo(t, kernel, executor.Shell)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for { // what had arrived may come first
		_, err := kernel.Next(ended)
		if err == nil {
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Next with an ended context: %v", err)
		}
		break
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for {
		_, err := kernel.Next(short)
		if err == nil {
			continue
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next with a short context: %v", err)
		}
		break
	}
	kernelInfo(t, kernel, executor.Shell) // nothing was harmed
}

// hang starts a cell without end and waits until it runs.
func hang(t *testing.T, kernel executor.Kernel, k Kernel) string {
	t.Helper()
	if k.Hang == "" {
		t.Skip("no code for it")
	}
	mark := filepath.Join(t.TempDir(), "mark")
	id := execute(t, kernel, strings.ReplaceAll(k.Hang, "{mark}", mark))
	if strings.Contains(k.Hang, "{mark}") {
		await(t, mark)
		return id
	}
	for {
		m := next(t, kernel)
		if m.Parent.MsgID != id {
			continue
		}
		if m.Header.Type == "stream" && strings.Contains(string(m.Content), "started") {
			return id
		}
		if m.Header.Type == "execute_input" && k.Name == "deno" { // it gives a cell's text only at its end
			return id
		}
	}
}

// await waits until the file is there.
func await(t *testing.T, file string) {
	t.Helper()
	for until := time.Now().Add(limit); ; {
		switch _, err := os.Stat(file); {
		case err == nil:
			return
		case time.Now().After(until):
			t.Fatalf("the cell did not begin: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func interrupts(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	id := hang(t, kernel, k)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := kernel.Interrupt(ctx)
	if !k.Interrupts {
		if !errors.Is(err, executor.ErrCannotInterrupt) {
			t.Fatalf("Interrupt: %v, want ErrCannotInterrupt", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := finish(t, kernel, id, nil); d.status == "ok" {
		t.Errorf("status %q of an interrupted cell", d.status)
	}
	if d := finish(t, kernel, execute(t, kernel, k.Print), nil); d.status != "ok" {
		t.Errorf("status %q of the cell after an interrupt", d.status)
	}
}

func kills(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	hang(t, kernel, k)
	if err := kernel.Kill(); err != nil {
		t.Fatal(err)
	}
	gone := exit(t, kernel)
	if gone.Reason == "" || gone.Restarted {
		t.Errorf("exit %+v", gone)
	}
	if err := kernel.Kill(); err != nil {
		t.Errorf("second Kill: %v", err)
	}
	if again := exit(t, kernel); again.Reason != gone.Reason {
		t.Errorf("the second Next says %q, the first said %q", again.Reason, gone.Reason)
	}
}

func dies(t *testing.T, s *Suite, k Kernel) {
	if k.Die == "" {
		t.Skip("no code for it")
	}
	kernel := start(t, s, k)
	execute(t, kernel, k.Die)
	gone := exit(t, kernel)
	if gone.Reason == "" {
		t.Error("no reason given")
	}
	if kernel.Info().Via == "local" && k.DieStatus != 0 && gone.Code != k.DieStatus {
		t.Errorf("exit %+v, want status %d", gone, k.DieStatus)
	}
}

func closes(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	finish(t, kernel, execute(t, kernel, k.Print), nil)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for range 2 {
		if err := kernel.Close(ctx); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	exit(t, kernel)
	if err := kernel.Send(ctx, executor.Message{Channel: executor.Shell, Header: executor.Header{MsgID: "x", Type: "kernel_info_request"}}); err == nil {
		t.Error("Send after Close gave no error")
	}
}

func closesConcurrently(t *testing.T, s *Suite, k Kernel) {
	kernel := start(t, s, k)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			if _, err := kernel.Next(ctx); err != nil {
				if ctx.Err() != nil {
					t.Error("Next still waited when the kernel was closed")
				}
				return
			}
		}
	})
	for range 3 {
		all.Go(func() {
			if err := kernel.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	all.Wait()
}

func big(t *testing.T, s *Suite, k Kernel) {
	if k.Big == "" {
		t.Skip("no code for it")
	}
	size := 8 << 20
	if s.Slow {
		size = 100 << 20
	}
	kernel := start(t, s, k)
	d := finish(t, kernel, execute(t, kernel, fmt.Sprintf(k.Big, size)), nil)
	if got := strings.Count(d.stdout.String(), "x"); d.status != "ok" || got != size {
		t.Errorf("status %q, %d bytes of %d arrived", d.status, got, size)
	}
}

func prints(t *testing.T, s *Suite, k Kernel) {
	if k.Prints == "" {
		t.Skip("no code for it")
	}
	if s.Lossy && !k.Counted {
		t.Skip("what is lost on the way cannot be seen")
	}
	n := 2000
	if s.Slow {
		n = 20000
	}
	kernel := start(t, s, k)
	d := finish(t, kernel, execute(t, kernel, fmt.Sprintf(k.Prints, n)), nil)
	lines := strings.Fields(d.stdout.String())
	if d.status != "ok" || !s.Lossy && len(lines) != n {
		t.Fatalf("status %q, %d lines of %d arrived", d.status, len(lines), n)
	}
	for i, line := range lines {
		if !s.Lossy && line != fmt.Sprint(i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
}

func environment(t *testing.T, s *Suite, k Kernel) {
	if k.Language != "python" {
		t.Skip("no code for it")
	}
	kernel := start(t, s, k, "ASSAY_KERNELTEST=a value")
	d := finish(t, kernel, execute(t, kernel, "import os; print(os.environ['ASSAY_KERNELTEST'])"), nil)
	if d.stdout.String() != "a value\n" {
		t.Errorf("stdout %q", d.stdout.String())
	}
}
