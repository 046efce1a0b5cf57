//go:build !linux

package testenv

import (
	"net"
	"testing"
)

// Address is an address of this machine where nothing listens at present.
// Elsewhere than on Linux somebody else may be quicker there.
func Address(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
