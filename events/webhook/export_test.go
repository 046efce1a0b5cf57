package webhook

import (
	"context"
	"net"
	"net/http"
)

// Dial has w's own transport connect to what dial returns.
func (w *Webhook) Dial(dial func() net.Conn) {
	w.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return dial(), nil }
}
