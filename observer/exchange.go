package observer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"assay/events"
)

// errNoBatch says that the receiver understood a request of several rows not at
// all: the contract's pages document requests of one.
var errNoBatch = errors.New("the endpoint takes no batches; going on row by row")

// replyMax is as much of an answer as is read.
const replyMax = 1 << 20

// result is what the receiver says about one row.
type result struct {
	OK     bool   `json:"ok"`
	Status int    `json:"status"` // as HTTP would say it; the request's own status where the row came alone
	Error  string `json:"error"`
}

// exchange posts the items in one request. Without an error there is one result
// for each; an error is about the request as a whole.
func (w *Wire) exchange(ctx context.Context, items [][]byte) ([]result, error) {
	body := items[0]
	if len(items) > 1 {
		body = envelope(items)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.post, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.o.Key)
	req.Header.Set("User-Agent", cmp.Or(w.o.Agent, "assay"))
	resp, err := w.client.Do(req)
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && ctx.Err() == nil {
		return nil, fmt.Errorf("the observer did not answer within %v: %w", w.o.Timeout, err)
	}
	if err != nil {
		return nil, fmt.Errorf("send to the observer: %w", err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, replyMax))
	if err != nil {
		return nil, fmt.Errorf("read the observer's answer: %w", err)
	}
	if err := w.whole(resp, reply, len(items)); err != nil {
		return nil, err
	}
	if len(items) == 1 {
		return one(resp.StatusCode, reply)
	}
	var all struct {
		Results []result `json:"results"`
	}
	if err := json.Unmarshal(reply, &all); err != nil || len(all.Results) != len(items) {
		return nil, fmt.Errorf("the observer answered %d with something else than %d results", resp.StatusCode, len(items))
	}
	return all.Results, nil
}

// envelope is a batch around the items' own bytes.
func envelope(items [][]byte) []byte {
	return bytes.Join([][]byte{[]byte(`{"events":[`), bytes.Join(items, []byte(",")), []byte(`]}`)}, nil)
}

// one is the result of a request of one row.
func one(status int, reply []byte) ([]result, error) {
	var r result
	if err := json.Unmarshal(reply, &r); err != nil && status < 300 {
		return nil, fmt.Errorf("the observer answered %d with no JSON", status)
	}
	r.Status = status
	return []result{r}, nil
}

// whole is the error of an answer that is about the request and not about a row
// in it: another attempt, or another setting, may heal those.
func (w *Wire) whole(resp *http.Response, reply []byte, rows int) error {
	said := explain(reply)
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code < 400:
		return fmt.Errorf("the observer redirects (%d), and the key must not go elsewhere: set its final address", code)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("the observer refuses the key (%d%s): set one with the role operator for %s", code, said, w.o.Slug)
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return fmt.Errorf("the observer has no chain %s (%d%s): check slug and address", w.o.Slug, code, said)
	case code == http.StatusTooManyRequests || code >= 500:
		err := fmt.Errorf("the observer answered %d%s", code, said)
		if s, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && s > 0 {
			return events.After(err, time.Duration(min(s, 86400))*time.Second)
		}
		return err
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly:
		return fmt.Errorf("the observer answered %d%s", code, said)
	case rows > 1:
		return fmt.Errorf("%w (%d%s)", errNoBatch, code, said)
	}
	return nil
}

// settle takes one row's result. A row that the receiver refuses for good goes
// to the dead letters, and to the receiver it is told as a gap of one.
func (w *Wire) settle(ctx context.Context, r Row, res result) error {
	inChain := r.PrevHash != ""
	switch {
	case res.OK && res.Status >= 200 && res.Status < 300:
		switch {
		case inChain:
			w.took(r.Hash())
		case r.Type == Overflow:
			w.took(r.StateHash) // it stands for the rows up to that hash
		}
		return nil
	case w.o.Lock != nil && res.Error == "bad_tag":
		return fmt.Errorf("the observer cannot open row %d: is the key, with epoch %d, the one it has?", r.Number, w.o.Lock.o.Epoch)
	case w.o.Lock != nil && (res.Error == "zeqond_conflict" || res.Error == "key_burnt"):
		// Another ciphertext stands under our zeqond: the nonce was used twice, and
		// whoever has both can forge. The row waits for a new epoch.
		if err := w.o.Lock.nonces.Burn(ctx, w.o.Lock.o.Epoch); err != nil {
			return fmt.Errorf("end the key epoch after nonce reuse: %w", err)
		}
		return fmt.Errorf("nonce reuse, noticed by the observer at row %d: %w", r.Number, ErrBurnt)
	case res.Status == http.StatusTooManyRequests || res.Status < 400 || res.Status >= 500:
		return fmt.Errorf("the observer answered %d%s for row %d", res.Status, quoted(res.Error), r.Number)
	}
	err := fmt.Errorf("the observer refused row %d (%d%s)", r.Number, res.Status, quoted(res.Error))
	if !inChain {
		return err // a count of dropped rows is not to be lost as well
	}
	if lost := w.refuse(ctx, r); lost != nil {
		return lost
	}
	return events.Permanent(err)
}

// explain is what an error answer says of itself, for people, with a blank before it.
func explain(reply []byte) string {
	var r result
	if json.Unmarshal(reply, &r) != nil {
		return ""
	}
	return quoted(r.Error)
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(" %q", text(s, 200))
}
