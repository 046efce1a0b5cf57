package nbrender

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"assay/internal/testenv"
	"assay/nbdiff"
)

// browser is a Chromium and what it did that no page of ours may do.
type browser struct {
	ctx   context.Context
	mu    sync.Mutex
	deeds []string
}

func (b *browser) did(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deeds = append(b.deeds, what)
}

// taken are the deeds since the last call.
func (b *browser) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	deeds := b.deeds
	b.deeds = nil
	return deeds
}

// pageLimit is how long a page may take at most, and a start: a loaded machine
// takes 20 s for what else takes one.
const pageLimit = 3 * time.Minute

// startBrowser starts a headless Chromium that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testenv.Missing(t, "Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1200, 900), chromedp.Flag("disable-popup-blocking", true),
		chromedp.WSURLReadTimeout(pageLimit),
		// One process for all frames: hundreds of them would take minutes, and the
		// pages have to hold without the help of the processes.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,IsolateSandboxedIframes"))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	return b
}

// event notes scripts that speak, requests, dialogs and new windows.
func (b *browser) event(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		b.did("console")
	case *cdppage.EventJavascriptDialogOpening:
		b.did("dialog")
	case *cdppage.EventWindowOpen:
		b.did("window " + ev.URL)
	case *network.EventRequestWillBeSent:
		if url := ev.Request.URL; !strings.HasPrefix(url, "data:") && !strings.HasSuffix(url, "/page.html") {
			b.did("request " + clip(url, 120))
		}
	case *cdppage.EventFrameNavigated:
		if ev.Frame.ParentID != "" && ev.Frame.URL != "about:srcdoc" || ev.Frame.ParentID == "" && !strings.HasSuffix(ev.Frame.URL, "/page.html") && ev.Frame.URL != "about:blank" {
			b.did("frame went to " + clip(ev.Frame.URL, 120))
		}
	}
}

// provoke does what a reader may do: it opens what is folded, goes with the tab
// key and the mouse over everything, and clicks the links that lead to no address.
const provoke = `(() => {
	document.querySelectorAll('details').forEach(d => d.open = !d.open)
	for (const e of document.querySelectorAll('body *')) {
		for (const kind of ['mouseover', 'mouseenter', 'focus', 'load', 'error', 'toggle'])
			e.dispatchEvent(new Event(kind))
		if (e.tabIndex >= 0 && !e.closest('.label, nav')) e.focus({preventScroll: true})
	}
	document.querySelectorAll('a, area, button, input').forEach(e => {
		if (!/^(https?|file|mailto):$/.test(e.protocol) || (e.getAttribute('href') || '').startsWith('#')) e.click?.()
	})
	document.querySelectorAll('iframe').forEach(f => f.scrollIntoView())
	window.scrollTo(0, document.body.scrollHeight)
	return document.querySelectorAll('article.cell').length
})()`

const idle = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(() => done(1)))))`

// visit opens a page, provokes it and waits until the browser has nothing more to do.
func (b *browser) visit(t *testing.T, address string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pageLimit)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	cells, err := chromedp.Run(ctx, chromedp.Evaluate[int](provoke))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	// What a page asks for and runs by itself is done after two frames and an idle moment.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](idle, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return cells
}

// trap is a server that nobody may call: it counts connections, which are more
// than requests.
func trap(t *testing.T) (address string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			calls.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, calls
}

// serve gives the page that put sets, and notes what else is asked for.
func serve(t *testing.T, b *browser) (address string, put func(string)) {
	t.Helper()
	var mu sync.Mutex
	var page string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page.html" {
			if r.URL.Path != "/favicon.ico" {
				b.did("request for " + r.URL.Path)
			}
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/page.html", func(p string) {
		mu.Lock()
		defer mu.Unlock()
		page = p
	}
}

// In a real browser no page made of attacks runs a script, asks for anything or
// leaves its place: over http every door, as a notebook and some as a diff, and
// from a file those where a browser could make a difference.
func TestHostileInChromium(t *testing.T) {
	b := startBrowser(t)
	evil, calls := trap(t)
	all := attacks(t, evil)
	address, put := serve(t, b)
	file := filepath.Join(t.TempDir(), "page.html")
	check := func(what, where string, cells int) {
		t.Helper()
		if found := b.visit(t, where); found != cells {
			t.Errorf("%s: %d of %d cells", what, found, cells)
		}
		for _, deed := range b.taken() {
			t.Errorf("%s: %s", what, deed)
		}
		if n := calls.Swap(0); n > 0 {
			t.Errorf("%s: %d connections", what, n)
		}
	}
	twice := []string{"markdown", "html", "html-styled", "svg", "attachments"}
	for _, d := range doors() {
		doc := hostileNotebook(t, d, all)
		page := rendered(t, doc)
		put(page)
		check(d.name, address, doc.Len())
		if !slices.Contains(twice, d.name) {
			continue
		}
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		check(d.name+" as a file", "file://"+file, doc.Len())
		before, after := hostileDiff(t, d, all)
		changes := nbdiff.Compare(before, after, nil)
		put(compared(t, before, after, nil))
		check(d.name+" as a diff", address, len(changes.Cells))
	}
	t.Logf("%d attacks in %d doors", len(all), len(doors()))
}

// The table bites: written into a page as they are, the attacks do run and ask.
// Without this the test above could pass by not looking.
func TestAttacksBite(t *testing.T) {
	b := startBrowser(t)
	evil, calls := trap(t)
	address, put := serve(t, b)
	bit := 0
	for _, a := range attacks(t, evil) {
		put("<!DOCTYPE html><body>" + a.text + "</body>")
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second) // a page that was taken over may not answer
		if err := chromedp.Do(ctx, chromedp.Navigate(address)); err == nil {
			chromedp.Run(ctx, chromedp.Evaluate[int](provoke))
		}
		cancel()
		if len(b.taken()) > 0 || calls.Swap(0) > 0 {
			bit++
		}
	}
	t.Logf("%d attacks bite a page without protection", bit)
	if bit < 40 {
		t.Errorf("only %d attacks bite", bit)
	}
}
