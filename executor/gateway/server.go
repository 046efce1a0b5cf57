package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Kind is which of the three servers answers.
type Kind string

// The servers that are known.
const (
	KernelGateway     Kind = "Kernel Gateway"
	JupyterServer     Kind = "Jupyter Server"
	EnterpriseGateway Kind = "Enterprise Gateway"
)

// Server is what a gateway says of itself.
type Server struct {
	Kind Kind
	// Version is the server's own, but for a Kernel Gateway, which tells that of
	// the server beneath it: of Jupyter Server, or of notebook below version 3.
	Version string
}

// String names the server and the version as far as it is told.
func (s Server) String() string {
	if s.Kind != KernelGateway {
		return string(s.Kind) + " " + s.Version
	}
	if s.onNotebook() {
		return string(s.Kind) + " on notebook " + s.Version
	}
	return string(s.Kind) + " on Jupyter Server " + s.Version
}

// onNotebook: notebook 5 and 6 are below Kernel Gateway 2; no Jupyter Server
// has such a number yet.
func (s Server) onNotebook() bool {
	major, _ := s.number()
	return s.Kind == KernelGateway && major >= 4
}

// number is the beginning of Version.
func (s Server) number() (major, minor int) {
	first, rest, _ := strings.Cut(s.Version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, _ = strconv.Atoi(first) // no number is 0: the oldest
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// takesKernelID reports whether a start can name the kernel beforehand, so
// that one whose answer was lost can be found again. Jupyter Server does since
// 2.21, and Kernel Gateway 3 with it.
func (s Server) takesKernelID() bool {
	if s.Kind == EnterpriseGateway {
		return true
	}
	major, minor := s.number()
	return !s.onNotebook() && (major > 2 || major == 2 && minor >= 21)
}

// Identify finds out which server answers at the URL. It asks for no kernel,
// and a Jupyter Server tells it without a token. The error is a *StartError.
func Identify(ctx context.Context, o *Options) (Server, error) {
	c, err := newClient(o)
	if err != nil {
		return Server{}, err
	}
	defer c.http.CloseIdleConnections()
	s, err := c.detect(ctx)
	return s, c.explain("say what it is", err)
}

// detect finds out who answers at the address.
func (c *client) detect(ctx context.Context) (Server, error) {
	var said struct {
		Version string `json:"version"`
		Gateway string `json:"gateway_version"`
	}
	if err := c.do(ctx, http.MethodGet, nil, &said, ok, "api"); err != nil {
		return Server{}, err
	}
	if said.Gateway != "" {
		return Server{EnterpriseGateway, clean(said.Gateway)}, nil
	}
	if said.Version == "" {
		return Server{}, &StartError{
			Reason: c.base.Redacted() + " answers, but not as a kernel gateway: GET /api has no version",
			Hint:   "check the address and its base path",
		}
	}
	// Only Jupyter Server has /api/status, whatever it says to us there.
	err := c.do(ctx, http.MethodGet, nil, nil, []int{200, 401, 403}, "api", "status")
	var status *statusError
	switch {
	case err == nil:
		return Server{JupyterServer, clean(said.Version)}, nil
	case errors.As(err, &status) && status.Status == http.StatusNotFound:
		return Server{KernelGateway, clean(said.Version)}, nil
	}
	return Server{}, err
}
