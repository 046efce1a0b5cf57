// Package gateway reaches kernels that run elsewhere, through the REST and
// WebSocket interface of Kernel Gateway, Jupyter Server and Enterprise Gateway.
// It owns the client side of that interface: both framings of
// v1.kernel.websocket.jupyter.org and its legacy form, reconnecting with
// replay, and the notice of the server's rate limiter.
package gateway

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Options say which gateway, which kernel, and how patient to be. URL is the
// only field that must be set.
type Options struct {
	URL    string // http or https, with the base path; a ?token= in it is taken as Token
	Token  string // sent in the Authorization header only, never in a URL
	Kernel string // kernelspec name; empty: the gateway's default
	// Env is for the kernel. It is always sent, even empty, because a gateway may
	// hand out another client's otherwise. A Kernel Gateway passes on what begins
	// with KERNEL_ and what its env_whitelist names; it drops the rest and does not
	// say so. A Jupyter Server takes none: more than KERNEL_ names is refused there.
	Env  map[string]string
	Path string // working directory, relative to the server's root

	StartTimeout time.Duration // from the first request to a ready kernel; 0: 3 min, for the handshake alone may take 2
	Reconnect    time.Duration // how long to try after the connection broke; 0: 2 min; negative: not at all
	PingEvery    time.Duration // how often to look whether connection and kernel are still there; 0: 20 s; negative: never
	PongWithin   time.Duration // 0: 60 s

	ReadLimit int64  // longest message in bytes; 0: 128 MiB
	Memory    int64  // messages kept in memory until they are taken, in bytes; 0: 64 MiB
	SpillDir  string // where messages beyond Memory are kept; empty: the temporary folder

	Legacy bool         // do not offer the v1 subprotocol, for servers that get it wrong
	Log    *slog.Logger // nil: silent

	calm   time.Duration // how long a request waits for the answer to ours on control; 0: calmWithin
	remove time.Duration // how long the end of a kernel may take; 0: deleteTimeout
}

const (
	defaultStart     = 3 * time.Minute
	defaultReconnect = 2 * time.Minute
	defaultPing      = 20 * time.Second
	defaultPong      = time.Minute
	defaultReadLimit = 128 << 20

	// maxSend is below the 10 MiB at which a Jupyter server closes the
	// connection (tornado's websocket_max_message_size).
	maxSend = 8 << 20
)

// endpoint is a parsed URL: its base, without secrets and without a final slash.
func endpoint(o *Options) (base *url.URL, token string, err error) {
	raw := strings.TrimSpace(o.URL)
	if raw == "" {
		return nil, "", errors.New("no gateway URL given")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "", errors.New("the gateway URL cannot be read") // url's own error repeats the URL, which may hold a token
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		return nil, "", errors.New("a gateway URL starts with http:// or https://")
	}
	if u.Host == "" {
		return nil, "", errors.New("the gateway URL has no host")
	}
	token = cmp.Or(o.Token, u.Query().Get("token"))
	base = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	return base, token, nil
}

func (o *Options) startTimeout() time.Duration { return cmp.Or(o.StartTimeout, defaultStart) }
func (o *Options) readLimit() int64            { return cmp.Or(o.ReadLimit, defaultReadLimit) }
func (o *Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}
