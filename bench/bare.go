package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"assay/internal/zmtp"
)

// bare is the floor: an untrimmed ipykernel, the sockets, and nothing that
// looks at what comes. What it takes is the kernel's own time.
type bare struct {
	cmd     *exec.Cmd
	dir     string
	shell   *zmtp.Conn
	iopub   *zmtp.Conn
	control *zmtp.Conn
	n       int
}

const bareKey = "bench"

func startBare(python string) (*bare, error) {
	dir, err := os.MkdirTemp("", "bare")
	if err != nil {
		return nil, err
	}
	conn := map[string]any{
		"transport": "ipc", "ip": filepath.Join(dir, "k"), "key": bareKey, "signature_scheme": "hmac-sha256",
		"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
	}
	text, err := json.Marshal(conn)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "c.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	b := &bare{dir: dir, cmd: exec.Command(python, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", file)}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	for port, c := range map[int]struct {
		conn **zmtp.Conn
		kind zmtp.SocketType
	}{1: {&b.shell, zmtp.Dealer}, 2: {&b.iopub, zmtp.Sub}, 4: {&b.control, zmtp.Dealer}} {
		if *c.conn, err = dialBare(filepath.Join(dir, "k-"+strconv.Itoa(port)), c.kind); err != nil {
			return nil, err
		}
	}
	for _, c := range []*zmtp.Conn{b.shell, b.iopub, b.control} {
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Minute)); err != nil {
			return nil, err
		}
	}
	if err := b.iopub.Subscribe(""); err != nil {
		return nil, err
	}
	if err := b.send(b.shell, "kernel_info_request", map[string]any{}); err != nil {
		return nil, err
	}
	if err := b.await(b.shell, "kernel_info_reply"); err != nil {
		return nil, err
	}
	return b, b.idle()
}

func dialBare(path string, kind zmtp.SocketType) (*zmtp.Conn, error) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			return zmtp.NewConn(c, kind, nil)
		}
		if time.Now().After(deadline) {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

func (b *bare) send(c *zmtp.Conn, kind string, content any) error {
	b.n++
	header, err := json.Marshal(map[string]any{
		"msg_id": fmt.Sprint("bare-", b.n), "session": "bare", "username": "bench",
		"date": "2026-01-01T00:00:00.000000Z", "msg_type": kind, "version": "5.4",
	})
	if err != nil {
		return err
	}
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	parts := [][]byte{header, []byte("{}"), []byte("{}"), body}
	mac := hmac.New(sha256.New, []byte(bareKey))
	for _, p := range parts {
		mac.Write(p)
	}
	return c.Send(append([][]byte{[]byte("<IDS|MSG>"), []byte(hex.EncodeToString(mac.Sum(nil)))}, parts...)...)
}

// await reads until a message of the type comes.
func (b *bare) await(c *zmtp.Conn, kind string) error {
	want := []byte(`"msg_type": "` + kind + `"`)
	short := []byte(`"msg_type":"` + kind + `"`)
	for {
		parts, err := c.Recv()
		if err != nil {
			return err
		}
		for _, p := range parts {
			if contains(p, want) || contains(p, short) {
				return nil
			}
		}
	}
}

// idle reads iopub until the kernel is idle again.
func (b *bare) idle() error {
	for {
		parts, err := b.iopub.Recv()
		if err != nil {
			return err
		}
		last := parts[len(parts)-1]
		if len(last) < 64 && contains(last, []byte(`"idle"`)) {
			return nil
		}
	}
}

// execute runs one cell: request, reply, idle.
func (b *bare) execute(code string) error {
	err := b.send(b.shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true, "user_expressions": map[string]any{},
		"allow_stdin": false, "stop_on_error": true,
	})
	if err != nil {
		return err
	}
	replied := make(chan error, 1)
	go func() { replied <- b.await(b.shell, "execute_reply") }()
	if err := b.idle(); err != nil {
		return err
	}
	return <-replied
}

// close ends the kernel politely, as a front end does.
func (b *bare) close() error {
	defer os.RemoveAll(b.dir)
	if err := b.send(b.control, "shutdown_request", map[string]any{"restart": false}); err != nil {
		return err
	}
	err := b.cmd.Wait()
	for _, c := range []*zmtp.Conn{b.shell, b.iopub, b.control} {
		c.Close()
	}
	return err
}

func contains(p, sub []byte) bool {
	return len(p) < 4096 && len(sub) <= len(p) && bytes.Contains(p, sub)
}
