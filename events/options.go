package events

import (
	"crypto/rand"
	"encoding/hex"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"time"
)

// DrainLimit is how long a command that ends may go on delivering. What is left
// goes with the next command, with a flush, or with a service.
const DrainLimit = 2 * time.Second

// MaxBatch is the greatest number of events in one call of Destination.Deliver.
const MaxBatch = 50

// Options are what a Bus can be told. The zero value is the default.
type Options struct {
	Owner string // who holds the leases; unique per process. Default: host, process id and a random part
	// Redact, when set, is asked for each event before it is stored: an
	// append-only store cannot unlearn a secret.
	Redact func(Event) Event
	// Backlog lets a destination that has no cursor yet begin at the first event
	// that was ever stored. Default: with the first event after Open.
	Backlog bool

	Batch   int           // events in a call of Deliver, at most MaxBatch. Default: MaxBatch
	Poll    time.Duration // how often other processes' events are looked for. Default: 1 s
	Lease   time.Duration // how long a killed process keeps others from delivering; renewed while it is needed. Default: 5 s
	Timeout time.Duration // of one call of Deliver. Default: 30 s
	// After a failed attempt the bus waits between a half and all of BackoffMin,
	// twice as long after each further one, up to BackoffMax. Defaults: 250 ms, 5 min.
	BackoffMin, BackoffMax time.Duration
	// MaxFailures is the number of failed attempts after which the event at hand
	// goes to the dead letters. Default: 0, never: a destination that is down for
	// a week gets all of the week's events.
	MaxFailures int

	Now  func() time.Time // default: time.Now
	Rand func() float64   // in [0, 1), for the jitter. Default: math/rand
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	orDuration := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	orDuration(&c.Poll, time.Second)
	orDuration(&c.Lease, 5*time.Second)
	orDuration(&c.Timeout, 30*time.Second)
	orDuration(&c.BackoffMin, 250*time.Millisecond)
	orDuration(&c.BackoffMax, 5*time.Minute)
	if c.Batch < 1 || c.Batch > MaxBatch {
		c.Batch = MaxBatch
	}
	if c.Owner == "" {
		c.Owner = newOwner()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = mathrand.Float64
	}
	return c
}

func newOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return host + "/" + strconv.Itoa(os.Getpid()) + "/" + hex.EncodeToString(b[:])
}

// backoff is how long to wait after so many failed attempts.
func (o *Options) backoff(failures int) time.Duration {
	d := o.BackoffMin
	for range failures - 1 {
		if d >= o.BackoffMax {
			break
		}
		d *= 2
	}
	d = min(d, o.BackoffMax)
	return d/2 + time.Duration(o.Rand()*float64(d-d/2))
}
