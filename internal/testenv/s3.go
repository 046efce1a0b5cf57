package testenv

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The keys that S3's server takes.
const (
	S3Key    = "key"
	S3Secret = "secret"
)

// S3 starts a real S3 server (versitygw) with one empty bucket, which lasts as
// long as the test, and gives its endpoint and the folder where the bucket's
// objects are files.
func S3(t testing.TB, bucket string) (endpoint, folder string) {
	t.Helper()
	program := Program(t, "versitygw")
	root := t.TempDir()
	folder = filepath.Join(root, bucket)
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	addr := Address(t) // versitygw does not tell which port it took when it may choose
	// Metadata in a folder of its own: not every file system has extended attributes.
	cmd := exec.Command(program, "--port", addr, "--access", S3Key, "--secret", S3Secret, "--quiet", "posix", "--sidecar", t.TempDir(), root)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	deadline := time.After(3 * time.Minute)
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-exited:
			t.Fatalf("versitygw ended: %s", &said)
		case <-deadline:
			t.Fatal("versitygw does not listen")
		case <-tick:
			if c, err := net.Dial("tcp", addr); err == nil {
				_ = c.Close()
				return "http://" + addr, folder
			}
		}
	}
}

// S3Env is an environment, as NAME and value, in which Amazon's clients take
// the key and the secret, and nothing that this machine has of its own.
func S3Env(key, secret string) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "BOTO3_ENDPOINT_URL": "",
		"GS_ACCESS_KEY_ID": "", "GS_SECRET_ACCESS_KEY": "",
	}
}
