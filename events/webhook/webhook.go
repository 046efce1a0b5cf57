// Package webhook delivers events by HTTP POST.
//
// With a secret each request is signed as standardwebhooks.com says: the header
// webhook-signature is "v1," and the base64 of HMAC-SHA256 over
// webhook-id "." webhook-timestamp "." body. A receiver thus knows who sent the
// body and when; it knows a repeated event by the event's own id.
//
// The answer's status alone decides. A redirect is not followed. 400, 413 and
// 422 refuse an event for good, once it was sent alone; anything else that is
// not 2xx is tried again.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"assay/events"
)

const (
	maxBody     = 1 << 20  // bytes of a request with more than one event
	maxResponse = 64 << 10 // bytes of an answer that are read, of which none matters
	maxHeaders  = 64 << 10
)

// Options are what a Webhook can be told. The zero value is the default.
type Options struct {
	Format events.Format           // default: events.Native
	Wants  func(events.Event) bool // asked besides the format; default: all
	Secret []byte                  // for the signature; none without it
	Bearer string                  // an Authorization header; refused for http to another machine
	Header http.Header             // further headers of each request
	// Timeout of one request, from the dial to the answer's end. Default: 10 s.
	Timeout time.Duration
	// Transport is for tests and for roots of one's own. Default: one like
	// http.DefaultTransport, with its connections kept to itself.
	Transport http.RoundTripper
	Now       func() time.Time // of the signature. Default: time.Now
}

// Webhook is an events.Destination.
type Webhook struct {
	name   string
	url    string
	o      Options
	client *http.Client
}

var _ events.Destination = (*Webhook)(nil)

// New returns the destination of that name that posts to rawURL.
func New(name, rawURL string, o *Options) (*Webhook, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		// Not the URL itself: it may hold a password.
		return nil, fmt.Errorf("webhook %s: its URL is not one of http or https", name)
	}
	w := &Webhook{name: name, url: rawURL}
	if o != nil {
		w.o = *o
	}
	if w.o.Bearer != "" && u.Scheme != "https" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("webhook %s: its key would cross the network unencrypted; use https", name)
	}
	if w.o.Format == nil {
		w.o.Format = events.Native{}
	}
	if w.o.Timeout <= 0 {
		w.o.Timeout = 10 * time.Second
	}
	if w.o.Now == nil {
		w.o.Now = time.Now
	}
	if w.o.Transport == nil {
		w.o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaders,
			TLSHandshakeTimeout: w.o.Timeout, IdleConnTimeout: 30 * time.Second, MaxIdleConns: 2,
		}
	}
	w.client = &http.Client{
		Transport: w.o.Transport, Timeout: w.o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParseSecret reads a secret as standardwebhooks.com writes it: "whsec_" and
// base64. Any other text is its own bytes.
func ParseSecret(text string) ([]byte, error) {
	b64, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return []byte(text), nil
	}
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		return nil, errors.New("what follows whsec_ is not base64")
	}
	return b, nil
}

// Name implements events.Destination.
func (w *Webhook) Name() string { return w.name }

// Wants implements events.Destination.
func (w *Webhook) Wants(e events.Event) bool {
	return w.o.Format.Wants(e) && (w.o.Wants == nil || w.o.Wants(e))
}

// Select implements events.Selective: it is what the format selects.
func (w *Webhook) Select() []events.Filter {
	if s, ok := w.o.Format.(events.Selective); ok {
		return s.Select()
	}
	return nil
}

// Deliver implements events.Destination.
func (w *Webhook) Deliver(ctx context.Context, es []events.Event) (int, error) {
	single, batch := w.o.Format.ContentTypes()
	bodies := make([][]byte, 0, len(es))
	var unsayable error
	for _, e := range es {
		b, err := w.o.Format.Encode(e)
		if err != nil {
			unsayable = events.Permanent(err)
			break
		}
		bodies = append(bodies, b)
	}
	n := 0
	for n < len(bodies) {
		together := 1
		if batch != "" {
			together = fit(bodies[n:])
		}
		err := w.chunk(ctx, es[n:n+together], bodies[n:n+together], single, batch)
		var refused refusedError
		if together > 1 && errors.As(err, &refused) {
			m, err := w.oneByOne(ctx, es[n:n+together], bodies[n:n+together], single, batch)
			if err != nil {
				return n + m, err
			}
		} else if err != nil {
			return n, err
		}
		n += together
	}
	return n, unsayable
}

// fit is how many of the bodies go into one request.
func fit(bodies [][]byte) int {
	size := 0
	for i, b := range bodies {
		if size += len(b) + 1; size > maxBody && i > 0 {
			return i
		}
	}
	return len(bodies)
}

// oneByOne finds out which event of a refused request it was.
func (w *Webhook) oneByOne(ctx context.Context, es []events.Event, bodies [][]byte, single, batch string) (int, error) {
	for i := range es {
		if err := w.chunk(ctx, es[i:i+1], bodies[i:i+1], single, batch); err != nil {
			return i, err
		}
	}
	return len(es), nil
}

// chunk posts one request. A format that knows batches always gets one, so that
// a receiver meets one shape only.
func (w *Webhook) chunk(ctx context.Context, es []events.Event, bodies [][]byte, single, batch string) error {
	if batch == "" {
		return w.alone(w.post(ctx, es, bodies[0], single))
	}
	body := append([]byte{'['}, bytes.Join(bodies, []byte{','})...)
	err := w.post(ctx, es, append(body, ']'), batch)
	if len(es) > 1 {
		return err
	}
	return w.alone(err)
}

// alone makes a refusal final, for it can only be about the one event.
func (w *Webhook) alone(err error) error {
	var refused refusedError
	if errors.As(err, &refused) {
		return events.Permanent(err)
	}
	return err
}

type refusedError struct{ status string }

func (r refusedError) Error() string { return "refused: " + r.status }

func (w *Webhook) post(ctx context.Context, es []events.Event, body []byte, contentType string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("its URL cannot be requested")
	}
	for name, values := range w.o.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "assay")
	if w.o.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+w.o.Bearer)
	}
	w.sign(req, es, body)
	resp, err := w.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which may hold a secret
		}
		return fmt.Errorf("post: %w", err)
	}
	defer resp.Body.Close()
	// Read so that the connection can be used again; what is longer costs the connection.
	_, _ = io.CopyN(io.Discard, resp.Body, maxResponse)
	return verdict(resp, w.o.Now())
}

// sign adds the three headers. The id is the same when the same events are sent again.
func (w *Webhook) sign(req *http.Request, es []events.Event, body []byte) {
	id := es[0].ID
	if len(es) > 1 {
		id += "-" + es[len(es)-1].ID
	}
	id = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, id)
	at := strconv.FormatInt(w.o.Now().Unix(), 10)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	if len(w.o.Secret) == 0 {
		return
	}
	mac := hmac.New(sha256.New, w.o.Secret)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func verdict(resp *http.Response, now time.Time) error {
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnprocessableEntity:
		return refusedError{status(resp)}
	case code >= 300 && code < 400:
		return fmt.Errorf("answered %s: redirects are not followed; give the final URL", status(resp))
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		err := fmt.Errorf("answered %s", status(resp))
		if d := retryAfter(resp.Header.Get("Retry-After"), now); d > 0 {
			return events.After(err, d)
		}
		return err
	default:
		return fmt.Errorf("answered %s", status(resp))
	}
}

// status is the code and the standard's words for it: the server's own words are anything.
func status(resp *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
}

func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return at.Sub(now)
	}
	return 0
}
