package observer_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/events"
	"assay/internal/observerstub"
	"assay/observer"
)

// The clock jumps about, hours back and forward, between rows and between
// deliveries: zeqonds rise, links hold, no nonce comes twice, and the receiver
// has every row once.
func TestFaultClock(t *testing.T) {
	t.Parallel()
	g := newRig(t, observerstub.Options{})
	now := at(2_287_568_432 * 777)
	o := lockOptions(filepath.Join(t.TempDir(), "mark"))
	o.Now = func() time.Time { return now }
	lock, err := openLock(t, g.store, o)
	if err != nil {
		t.Fatal(err)
	}
	g.o.Lock, g.o.Now = lock, o.Now
	w := g.wire(t)
	r := rand.New(rand.NewPCG(1, 1))
	var es []events.Event
	var head observer.Head
	for i := range 200 {
		now = now.Add(time.Duration(r.IntN(7200)-3600) * time.Second)
		c := candidate(now, fmt.Sprint(i))
		c.Slug = "nb"
		if i == 0 {
			head = observer.Genesis(c)
		}
		row, err := g.store.Append(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if head, err = observer.Follow(head, row); err != nil {
			t.Fatal(err)
		}
		e, err := row.Event()
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
		now = now.Add(time.Duration(r.IntN(7200)-3600) * time.Second)
		deliver(t, w, es[i:])
	}
	g.arrived(t, es)
	nonces := map[string]bool{}
	for _, item := range g.sent.items(t) {
		var it struct{ Zeqond string }
		if err := json.Unmarshal(item, &it); err != nil {
			t.Fatal(err)
		}
		if nonces[it.Zeqond] {
			t.Errorf("zeqond %s came twice", it.Zeqond)
		}
		nonces[it.Zeqond] = true
	}
	reportFault(t, "clock set back and forward up to an hour, 400 times", 400, 0, 0, "zeqonds rise, links hold, no nonce twice")
}

// Somebody has every request that went over the wire and sends it again: as it
// was, under another name, type or zeqond, and one row beside another.
func TestFaultReplay(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string]bool{"plain": false, "phase-locked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, observerstub.Options{})
			if sealed {
				g.lock(t, filepath.Join(t.TempDir(), "mark"), 0)
			}
			es := g.stages(t, 30)
			deliver(t, g.wire(t), es)
			before := len(g.stub.Rows())
			tries := 0
			send := func(body string) {
				t.Helper()
				tries++
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.server.URL+"/api/chain/nb/event", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+key)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
			}
			for _, body := range g.sent.bodies {
				send(string(body))
			}
			for i, item := range g.sent.items(t) {
				var it map[string]any
				for _, change := range []func(){
					func() {},
					func() { it["id"] = "another" },
					func() { delete(it, "id") },
					func() { it["id"], it["type"] = "another", "heartbeat" },
					func() { it["id"], it["zeqond"] = "another", fmt.Sprint(2_387_568_432+i) },
					func() { it["id"], it["epoch"] = "another", 1 },
				} {
					it = map[string]any{}
					if err := json.Unmarshal(item, &it); err != nil {
						t.Fatal(err)
					}
					change()
					b, err := json.Marshal(it)
					if err != nil {
						t.Fatal(err)
					}
					send(string(b))
				}
			}
			doubled := len(g.stub.Rows()) - before
			if doubled != 0 {
				t.Errorf("%d replays became rows", doubled)
			}
			if v := g.stub.Validate(0, 1<<62); !v.Valid || v.Count != before {
				t.Errorf("%+v", v)
			}
			reportFault(t, "requests sent again, as they were and relabelled ("+name+")", tries, 0, doubled, "no second row")
		})
	}
}
