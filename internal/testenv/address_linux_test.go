package testenv_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"assay/internal/testenv"
)

// Nobody answers at the address, a server can come, go and come again, and who
// asks the system for any port does not get this one.
func TestAddress(t *testing.T) {
	t.Parallel()
	address := testenv.Address(t)
	for range 2 {
		if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%v, %v", c, err)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.Addr().String() == address {
			t.Fatal("the port was given away")
		}
	}
}
