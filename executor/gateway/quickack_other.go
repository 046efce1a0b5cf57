//go:build !linux

package gateway

import "net"

// quickAck does nothing where there is no TCP_QUICKACK.
func quickAck(conn net.Conn) net.Conn { return conn }
