package local

import (
	"context"
	"net"
	"time"

	"assay/executor"
	"assay/internal/zmtp"
)

// knockWithin bounds a knock: the other side answers from a thread of its own.
const knockWithin = time.Second

// asked notes a request on the shell channel. A kernel_info_request that is
// sent while the request before it is not taken asks whether the kernel lives;
// knock is true then.
//
// ipykernel 7.0 to 7.3 can leave a request unread (ipykernel#1529): the one
// sign that its socket gave of it was lost. Another message on the same
// connection gives none, because what is there is not read yet; a new
// connection does.
func (k *Kernel) asked(h executor.Header) (knock bool) {
	if h.Type == "kernel_info_request" && k.untaken.Load() != nil {
		return k.info.Counted // other kernels than ipykernel's kin have no such fault
	}
	k.untaken.Store(&h.MsgID)
	return false
}

// taken notes that the kernel spoke of a request.
func (k *Kernel) taken(m executor.Message) {
	if id := k.untaken.Load(); id != nil && *id == m.Parent.MsgID {
		k.untaken.CompareAndSwap(id, nil)
	}
}

// knock connects to the shell channel once more, for a moment. Nothing is
// asked, so nothing can go wrong that the caller could mend.
func (k *Kernel) knock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, knockWithin)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, k.door.network, k.door.address)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(knockWithin))
	_, _ = zmtp.NewConn(conn, zmtp.Dealer, nil)
}
