package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxBody bounds what is read of a REST answer: kernelspecs of a large site are far below it.
const maxBody = 16 << 20

// client speaks REST to one gateway. It follows no redirect and keeps no
// cookies: the token goes to one host, in one header.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

func newClient(o *Options) (*client, error) {
	base, token, err := endpoint(o)
	if err != nil {
		return nil, &StartError{Reason: err.Error(), Hint: "for example http://localhost:8888"}
	}
	return &client{base: base, token: token, http: &http.Client{
		Transport: transport(),
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return &redirectError{to: r.URL.Scheme + "://" + r.URL.Host + r.URL.Path}
		},
	}}, nil
}

func (c *client) url(path ...string) string { return c.base.JoinPath(path...).String() }

func (c *client) authorize(h http.Header) {
	if c.token != "" {
		h.Set("Authorization", "token "+c.token) // Kernel Gateway knows this spelling only
	}
}

// do sends one request. Any status of want is success; the answer is decoded into out unless that is nil.
func (c *client) do(ctx context.Context, method string, body, out any, want []int, path ...string) error {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url(path...), payload)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	c.authorize(req.Header)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if !slices.Contains(want, res.StatusCode) {
		return newStatusError(res.StatusCode, res.Header.Get("Content-Type"), answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		if looksHTML(res.Header.Get("Content-Type"), answer) {
			return newStatusError(res.StatusCode, res.Header.Get("Content-Type"), answer)
		}
		return &StartError{
			Reason: fmt.Sprintf("%s answers, but its answer is not the JSON of a kernel gateway", c.base.Redacted()),
			Hint:   "check the address and its base path", Err: err,
		}
	}
	return nil
}

var ok = []int{http.StatusOK}

// Spec is one kernel that a gateway can start.
type Spec struct {
	Name          string
	DisplayName   string
	Language      string
	InterruptMode string // "signal" or "message"
	Default       bool
}

// Kernelspecs lists the kernels that the gateway can start, by name.
func Kernelspecs(ctx context.Context, o *Options) ([]Spec, error) {
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	defer c.http.CloseIdleConnections()
	if _, err := c.detect(ctx); err != nil {
		return nil, c.explain("say what it is", err)
	}
	specs, err := c.kernelspecs(ctx)
	return specs, c.explain("list its kernelspecs", err)
}

func (c *client) kernelspecs(ctx context.Context) ([]Spec, error) {
	var said struct {
		Default     string `json:"default"`
		Kernelspecs map[string]struct {
			Spec struct {
				DisplayName   string `json:"display_name"`
				Language      string `json:"language"`
				InterruptMode string `json:"interrupt_mode"`
			} `json:"spec"`
		} `json:"kernelspecs"`
	}
	if err := c.do(ctx, http.MethodGet, nil, &said, ok, "api", "kernelspecs"); err != nil {
		return nil, err
	}
	specs := make([]Spec, 0, len(said.Kernelspecs))
	for name, k := range said.Kernelspecs {
		specs = append(specs, Spec{name, k.Spec.DisplayName, k.Spec.Language, k.Spec.InterruptMode, name == said.Default})
	}
	slices.SortFunc(specs, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
	return specs, nil
}

// model is what the gateway says of a running kernel.
type model struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	ExecutionState string `json:"execution_state"`
	Connections    int    `json:"connections"`
	Reason         string `json:"reason"`
}

// kernelID is what may stand in a path: the server's word is not taken for it.
var kernelID = regexp.MustCompile(`^\w+(-\w+){4}$`)

func (c *client) start(ctx context.Context, body map[string]any) (model, error) {
	var m model
	if err := c.do(ctx, http.MethodPost, body, &m, []int{http.StatusCreated}, "api", "kernels"); err != nil {
		return m, err
	}
	if !kernelID.MatchString(m.ID) {
		return m, &StartError{Reason: fmt.Sprintf("the gateway started a kernel under an id that is none: %q", clean(m.ID))}
	}
	return m, nil
}

func (c *client) kernel(ctx context.Context, id string) (model, error) {
	var m model
	err := c.do(ctx, http.MethodGet, nil, &m, ok, "api", "kernels", id)
	return m, err
}

func (c *client) interrupt(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodPost, struct{}{}, nil, []int{200, 204}, "api", "kernels", id, "interrupt")
}

// remove ends a kernel. One that is gone already is as good. A server that is
// just restarting the kernel says yes and has it again a moment later, so it is
// asked until it knows nothing of it any more.
func (c *client) remove(ctx context.Context, id string) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.do(ctx, http.MethodDelete, nil, nil, []int{200, 204, 404}, "api", "kernels", id)
		if err == nil {
			_, err = c.kernel(ctx, id)
		}
		var status *statusError
		switch {
		case errors.As(err, &status) && status.Status == http.StatusNotFound:
			return nil
		case err != nil && (status == nil || status.Status < 500):
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return cmp.Or(err, ctx.Err())
		}
	}
}

// sweep removes a kernel whose start was never answered: it may come up late,
// so it is asked for until it was found or a few seconds went by.
func (c *client) sweep(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.do(ctx, http.MethodDelete, nil, nil, []int{200, 204}, "api", "kernels", id)
		var status *statusError
		if err == nil || !errors.As(err, &status) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
