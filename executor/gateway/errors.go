package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// StartError says why no kernel could be had from the gateway, and what to do about it.
type StartError struct {
	Reason string // a sentence for people
	Hint   string // what to do next; may be empty
	Status int    // HTTP status, 0 when there was no answer
	Err    error  // the cause; may be nil
}

func (e *StartError) Error() string {
	if e.Hint == "" {
		return e.Reason
	}
	return e.Reason + "; " + e.Hint
}

func (e *StartError) Unwrap() error { return e.Err }

// statusError is an answer of the gateway that is not the one asked for.
type statusError struct {
	Status int
	Text   string // the server's own sentence, cleaned and cut; never its traceback
	HTML   bool
}

func (e *statusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("HTTP status %d", e.Status)
	}
	return fmt.Sprintf("HTTP status %d: %s", e.Status, e.Text)
}

// redirectError is an answer that sends us elsewhere, where the token must not go.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "redirected to " + e.to }

// newStatusError reads the server's sentence out of body. A gateway puts its
// Python traceback beside it, which may hold secrets and is left out.
func newStatusError(status int, contentType string, body []byte) *statusError {
	e := &statusError{Status: status, HTML: looksHTML(contentType, body)}
	var said struct{ Message, Reason string }
	if !e.HTML && json.Unmarshal(body, &said) == nil {
		e.Text = said.Message
		if e.Text == "" {
			e.Text = said.Reason
		}
		e.Text = strings.TrimRight(clean(e.Text), ". ")
	}
	return e
}

func looksHTML(contentType string, body []byte) bool {
	text := strings.ToLower(strings.TrimSpace(string(body[:min(len(body), 100)])))
	return strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<html") ||
		strings.HasPrefix(contentType, "text/html") && strings.HasPrefix(text, "<")
}

// clean makes one short printable line of what a server said.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		cut := 300
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// explain turns the failure of a request into a StartError that a person can
// act on. what says what was tried, as in "list the kernelspecs".
func (c *client) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	var ready *StartError
	if errors.As(err, &ready) {
		return err
	}
	var status *statusError
	if errors.As(err, &status) {
		return c.explainStatus(what, status)
	}
	at := c.base.Redacted()
	e := &StartError{Err: err, Reason: fmt.Sprintf("could not %s on the gateway at %s: %s", what, at, cause(err))}
	var (
		redirect *redirectError
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		plain    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &redirect):
		e.Hint = "give the address that the server really has, or one that does not need a login page"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason = fmt.Sprintf("the gateway at %s refuses connections", at)
		e.Hint = "is it running, and is the port right?"
	case errors.As(err, &dns):
		e.Reason = fmt.Sprintf("the gateway's host %s is not known", c.base.Hostname())
		e.Hint = "check the address"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Reason = fmt.Sprintf("the gateway at %s did not answer in time (%s)", at, what)
		e.Hint = "is it overloaded, or is a proxy in between? --start-timeout gives it longer"
	case errors.As(err, &unknown):
		e.Hint = "its certificate is signed by an authority that this machine does not trust"
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.Hint = "it does not speak TLS: try http://"
	}
	return e
}

func (c *client) explainStatus(what string, s *statusError) error {
	at := c.base.Redacted()
	e := &StartError{Status: s.Status, Err: s, Reason: fmt.Sprintf("the gateway at %s did not %s: %v", at, what, s)}
	switch {
	case s.HTML && s.Status < 300:
		e.Reason = fmt.Sprintf("%s answers with a web page, not as a kernel gateway", at)
		e.Hint = "check the address and its base path; a login page in front of it needs a token"
	case s.Status == 401, s.Status == 403 && !resourceLimit(s):
		e.Reason = fmt.Sprintf("the gateway at %s does not accept the token (HTTP status %d)", at, s.Status)
		if c.token == "" {
			e.Reason = fmt.Sprintf("the gateway at %s asks for a token and none was given (HTTP status %d)", at, s.Status)
		}
		e.Hint = "give the gateway's token"
		if s.Status == 403 && c.token != "" && s.Text != "" && s.Text != "Forbidden" {
			// The token may be good and the server refuse for a reason of its own, which it tells.
			e.Reason = fmt.Sprintf("the gateway at %s refuses to %s: %v", at, what, s)
			e.Hint = "check the token, and what its user may do there"
		}
		if strings.Contains(s.Text, "_xsrf") {
			e.Reason = fmt.Sprintf("the server at %s has its authentication switched off, and therefore refuses programs", at)
			e.Hint = "start it with a token"
		}
	case s.Status == 403:
		e.Reason = fmt.Sprintf("the gateway at %s runs as many kernels as it may: %v", at, s)
		e.Hint = "wait until one ends, or raise its limit"
	case s.Status == 404:
		e.Hint = "is this a kernel gateway, and is the base path right?"
	case s.Status == 424, s.Status == 502, s.Status == 503, s.Status == 504:
		e.Hint = "the server behind this address is not running or not ready"
	case s.Status >= 500:
		e.Hint = "the gateway's log says why"
	}
	return e
}

// resourceLimit tells "too many kernels" from "not you": both are 403.
func resourceLimit(s *statusError) bool {
	text := strings.ToLower(s.Text)
	return strings.Contains(text, "limit") || strings.Contains(text, "maximum")
}

// cause is the innermost sentence of err: net/http's outer ones repeat the URL.
func cause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return clean(err.Error())
}
