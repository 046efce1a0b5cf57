package testenv

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Address is an address of this machine, 127.0.0.1:PORT, for a server that must
// be told its port: nobody but who names it gets the port while the test lasts.
// Until something listens there, and after that, connections are refused. A
// socket that is bound and never listens keeps the system from giving the port
// away, and lets in a server that sets SO_REUSEADDR, as all do.
func Address(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.(*syscall.SockaddrInet4).Port))
}
