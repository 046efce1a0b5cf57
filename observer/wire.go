package observer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"assay/events"
)

// Limits of the contract.
const (
	OutboxCap  = 200      // rows that wait; the oldest above it are dropped and counted
	BatchMax   = 50       // rows in one request
	DrainLimit = 30 * Tau // 23.31 s: how long a process that ends goes on delivering
)

// Wire is an observer endpoint as a destination of the bus: the bus keeps its
// cursor, its lease, its backoff and its dead letters. It takes the rows of one
// chain, in order, and each at least once; the receiver knows a row by its id.
//
// It alone has the contract's cap: when more rows wait than that, the oldest
// are dropped, and the next request begins with a row outbox.overflow that
// counts them. The journal and the other destinations lose nothing.
type Wire struct {
	store  Store
	o      WireOptions
	post   string // address
	client *http.Client

	mu      sync.Mutex
	sent    string // hash of the last row that the receiver took from this process
	single  bool   // the receiver knows no batches
	cadence *Cadence

	beating sync.Mutex // over the two below, while the store is read
	recent  []Past     // the chain's last rows, up to seen
	seen    int64
}

var (
	_ events.Capped    = (*Wire)(nil)
	_ events.Selective = (*Wire)(nil)
)

// WireOptions are the settings of a Wire.
type WireOptions struct {
	Name    string        // of the destination; "" is "observer"
	URL     string        // of the endpoint, as https://host; plain http only on this machine
	Key     string        // the state-machine key, sent as bearer token
	Slug    string        // the chain; "" is DefaultSlug
	Cap     int           // 0 is OutboxCap
	Batch   int           // 0 is BatchMax, which is the most
	Timeout time.Duration // of one request; 0 is 10 s
	Session string        // of this process, for heartbeats
	Agent   string        // program and version, for heartbeats

	// Lock encrypts the payloads by phase-lock profile 1; nil, the default, sends
	// them as they are, inside TLS.
	Lock *Lock

	Transport http.RoundTripper // nil is http.DefaultTransport
	Now       func() time.Time  // nil is time.Now
}

// NewWire checks the options; it does not connect. An endpoint is needed: there is no default one.
func NewWire(store Store, o *WireOptions) (*Wire, error) {
	w := &Wire{store: store, o: *o}
	w.o.Name, w.o.Slug = cmp.Or(o.Name, "observer"), cmp.Or(o.Slug, DefaultSlug)
	w.o.Cap, w.o.Batch = cmp.Or(o.Cap, OutboxCap), cmp.Or(o.Batch, BatchMax)
	w.o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	if w.o.Now == nil {
		w.o.Now = time.Now
	}
	address, err := endpoint(o.URL, w.o.Slug)
	switch {
	case err != nil:
		return nil, err
	case o.Key == "":
		return nil, errors.New("the observer endpoint needs a key")
	case w.o.Cap < 1:
		return nil, fmt.Errorf("a cap of %d rows: use 1 or more", w.o.Cap)
	case w.o.Batch < 1 || w.o.Batch > BatchMax:
		return nil, fmt.Errorf("batches of %d rows: use 1 to %d", w.o.Batch, BatchMax)
	case w.o.Lock != nil && w.o.Lock.o.Slug != w.o.Slug:
		return nil, fmt.Errorf("the lock is for chain %s, the wire for %s", w.o.Lock.o.Slug, w.o.Slug)
	}
	w.post = address
	w.client = &http.Client{
		Transport: o.Transport, Timeout: w.o.Timeout,
		// The key goes to the address that was configured and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// endpoint is the address to which the rows of slug are posted.
func endpoint(base, slug string) (string, error) {
	if err := CheckSlug(slug); err != nil {
		return "", err
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("the observer endpoint must be an address as https://host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the observer endpoint's address must hold no password, query or fragment: give the key apart")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", fmt.Errorf("the observer endpoint %s would get the key unencrypted: use https", u.Host)
	}
	return u.JoinPath("api", "chain", slug, "event").String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name implements events.Destination.
func (w *Wire) Name() string { return w.o.Name }

// Wants implements events.Destination: the rows of the wire's chain, and those
// of which nothing tells any more whose they are.
func (w *Wire) Wants(e events.Event) bool {
	if e.Type != events.TypeStageCompleted {
		return false
	}
	slug, ok := e.Field("slug")
	return ok && slug == w.o.Slug || !ok && erased(e)
}

// Select implements events.Selective: the same by the store's indexes. A row
// that tells no chain is one that was erased.
func (w *Wire) Select() []events.Filter {
	typ := events.TypeStageCompleted
	return []events.Filter{{"type": &typ, "slug": &w.o.Slug}, {"type": &typ, "slug": nil}}
}

// Cap implements events.Capped.
func (w *Wire) Cap() int { return w.o.Cap }

// Deliver implements events.Destination.
func (w *Wire) Deliver(ctx context.Context, es []events.Event) (n int, err error) {
	return w.DeliverAfter(ctx, 0, es)
}

// DeliverAfter implements events.Capped: the rows go behind one that counts
// those which the cap dropped.
func (w *Wire) DeliverAfter(ctx context.Context, dropped int, es []events.Event) (n int, err error) {
	for n < len(es) {
		rows, counts, err := w.rows(ctx, es[n:])
		if err != nil {
			return n, err
		}
		took := 0
		if len(rows) > 0 {
			took, err = w.send(ctx, rows, int64(dropped))
		}
		n += counts[took]
		if err != nil && !errors.Is(err, errNoBatch) {
			return n, err
		}
		if took > 0 {
			dropped = 0
		}
	}
	return n, nil
}

// rows are the rows of the events, up to the first that is none; it is an error
// where it is the first. When i rows are taken, counts[i] events are done with:
// an erased event whose row is in another chain has nothing to send.
func (w *Wire) rows(ctx context.Context, es []events.Event) (rows []Row, counts []int, err error) {
	counts = []int{0}
	for i, e := range es {
		r, err := ParseRow(e.Payload)
		if err != nil && erased(e) {
			left, err := w.left(ctx, e)
			if err != nil {
				return nil, nil, err
			}
			if left == nil {
				counts[len(counts)-1] = i + 1
				continue
			}
			r = *left
		} else if err != nil {
			if i == 0 {
				return nil, nil, events.Permanent(err)
			}
			break
		}
		rows, counts = append(rows, r), append(counts, i+1)
	}
	return rows, counts, nil
}

// send posts the first of rows in one request, behind the row that counts what
// was lost right before them, and says how many the receiver took.
func (w *Wire) send(ctx context.Context, rows []Row, dropped int64) (int, error) {
	batch := w.batch()
	list, err := w.lost(ctx, rows[0], dropped)
	if err != nil {
		return 0, err
	}
	if len(list) == batch { // it has a request of its own
		return 0, w.sendLost(ctx, list[0])
	}
	rows = rows[:min(len(rows), batch-len(list))]
	results, err := w.request(ctx, append(list, rows...))
	if err != nil {
		return 0, err
	}
	for i, r := range list {
		if err := w.settle(ctx, r, results[i]); err != nil {
			return 0, err
		}
	}
	for i, r := range rows {
		if err := w.settle(ctx, r, results[len(list)+i]); err != nil {
			return i, err
		}
	}
	return len(rows), nil
}

// lost is the row outbox.overflow that must go before next, if any.
func (w *Wire) lost(ctx context.Context, next Row, dropped int64) ([]Row, error) {
	if w.has(next.PrevHash) {
		return nil, nil // told already, or there is no gap
	}
	if dropped == 0 {
		refused, err := w.refused(ctx, next)
		if err != nil || !refused {
			return nil, err
		}
		dropped = 1
	}
	r, err := overflow(next, dropped)
	return []Row{r}, err
}

// sendLost posts the row that counts what was dropped alone. From then on the
// receiver knows of the gap, as if it had the row before.
func (w *Wire) sendLost(ctx context.Context, lost Row) error {
	results, err := w.request(ctx, []Row{lost})
	if err != nil {
		return err
	}
	return w.settle(ctx, lost, results[0])
}

func (w *Wire) batch() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.single {
		return 1
	}
	return w.o.Batch
}

// request posts the rows, as a batch or as one, and gives a result for each. A
// receiver that knows no batches is noticed here.
func (w *Wire) request(ctx context.Context, rows []Row) ([]result, error) {
	items := make([][]byte, len(rows))
	for i, r := range rows {
		item, err := w.item(ctx, r)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	results, err := w.exchange(ctx, items)
	if errors.Is(err, errNoBatch) {
		w.mu.Lock()
		w.single = true
		w.mu.Unlock()
	}
	return results, err
}

// took remembers what the receiver has, so that no gap is told where there is none.
func (w *Wire) took(hash string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = hash
}

func (w *Wire) has(hash string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent == hash
}
