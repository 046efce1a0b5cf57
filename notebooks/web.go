package notebooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// web is a notebook behind an HTTP address.
type web struct {
	url     *url.URL
	client  *http.Client
	max     int64
	timeout time.Duration
}

func newWeb(ref string, o *Options) (web, error) {
	u, err := url.Parse(ref)
	if err != nil || u.Host == "" {
		return web{}, &RefusedError{Redact(ref), "this is not a whole address", "write it as https://host/path/notebook.ipynb"}
	}
	c := o.HTTPClient
	if c == nil {
		c = &http.Client{CheckRedirect: keepSecure}
	}
	return web{url: u, client: c, max: o.MaxBytes, timeout: o.Timeout}, nil
}

// keepSecure follows redirects as a browser does, but not from https to http.
func keepSecure(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("it redirects without end")
	}
	if req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https" {
		return fmt.Errorf("it redirects from https to %s, which is not followed", Redact(req.URL.String()))
	}
	return nil
}

func (w web) read(ctx context.Context) (Bytes, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	resp, err := w.do(ctx, http.MethodGet, nil, nil)
	if err != nil {
		return Bytes{}, err
	}
	defer resp.Body.Close()
	data, err := readClaimed(resp.Body, resp.ContentLength, w.max)
	if err != nil {
		return Bytes{}, w.late(err)
	}
	if isPage(resp.Header, data) {
		return Bytes{}, errors.New("the server sent a web page, not a notebook: use the address of the file itself (often called raw or download), and check whether it wants a login")
	}
	return Bytes{Data: data, Version: resp.Header.Get("ETag")}, nil
}

func (w web) stat(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	resp, err := w.do(ctx, http.MethodHead, nil, nil)
	if err != nil {
		return Info{}, err
	}
	_ = resp.Body.Close()
	return Info{Size: resp.ContentLength, Version: resp.Header.Get("ETag")}, nil
}

func (w web) write(ctx context.Context, data func(io.Writer) error, cond Condition) error {
	if strings.HasPrefix(cond.IfVersion, "W/") {
		return errors.New("the server's versions are too weak (ETag W/...) to write under a condition")
	}
	body, err := spool(data)
	if err != nil {
		return err
	}
	defer body.Close()
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	h := http.Header{"Content-Type": {"application/json"}}
	if cond.IfAbsent {
		h.Set("If-None-Match", "*")
	}
	if cond.IfVersion != "" {
		h.Set("If-Match", cond.IfVersion)
	}
	resp, err := w.do(ctx, http.MethodPut, h, body)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// do sends one request and makes an error of every answer but success.
func (w web) do(ctx context.Context, method string, h http.Header, body *spooled) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.url.String(), nil)
	if err != nil {
		return nil, errors.New("this is not an address that can be asked")
	}
	if body != nil {
		// A redirect sends the body anew; the file is closed by its owner.
		req.ContentLength = body.size
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(body, 0, body.size)), nil
		}
		req.Body, _ = req.GetBody()
	}
	for name, values := range h {
		req.Header[name] = values
	}
	if method != http.MethodPut {
		req.Header.Set("Accept", "application/x-ipynb+json, application/json;q=0.9, */*;q=0.8")
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, w.late(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, statusError(resp)
}

// late words a transfer that did not end in time, and takes the address, which
// may hold a signature, out of what net/http says.
func (w web) late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no complete answer within %v: %w", w.timeout, context.DeadlineExceeded)
	}
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

func statusError(resp *http.Response) error {
	said := "the server answered " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	if line := firstLine(resp); line != "" {
		said += ": " + line
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w", said, fs.ErrNotExist)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s: %w", said, fs.ErrPermission)
	case http.StatusPreconditionFailed:
		return fmt.Errorf("%s: %w", said, ErrChanged)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if resp.Request.Method == http.MethodPut {
			return fmt.Errorf("%s, it takes no PUT: %w", said, ErrReadOnly)
		}
	}
	return errors.New(said)
}

// firstLine is the beginning of a plain answer: it often says what is wrong.
func firstLine(resp *http.Response) string {
	head, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	if isPage(resp.Header, head) || resp.Request.Method == http.MethodHead {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(head)), "\n")
	return strings.ToValidUTF8(strings.Map(printable, line[:min(len(line), 200)]), "")
}

// printable keeps a server from steering the terminal.
func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return -1
	}
	return r
}

// isPage recognises HTML by what the server says, or by its first character:
// no notebook, and no script in percent form, begins with <.
func isPage(h http.Header, data []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	trimmed := bytes.TrimLeft(data, " \t\r\n\ufeff")
	if len(trimmed) > 0 && trimmed[0] == '<' {
		return true
	}
	return (kind == "text/html" || kind == "application/xhtml+xml") && (len(trimmed) == 0 || trimmed[0] != '{')
}
