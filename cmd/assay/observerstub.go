package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"assay/internal/observerstub"
	"assay/observer"
)

const stubLong = `A stand-in for an observer endpoint: it takes rows, keeps them in memory, and
checks what the contract states and docs/observer-profile-1.md adds: the key,
the order of rows and zeqonds, the links, the tag of encrypted rows, and that
what comes twice makes no second row. It is for trying things out, answers
only programs of this machine, and speaks no TLS.

Its address is printed first; then each row that it takes, one JSON object a
line. Ctrl-C ends it; it exits 1 when something was wrong with what came.`

// stubFlags are the flags of observer stub.
type stubFlags struct {
	listen, slug, keyFile, faults string
	seed                          uint64
	single                        bool
}

func newObserverStub() *cobra.Command {
	f := &stubFlags{}
	c := &cobra.Command{
		Use:   "stub",
		Short: "run a stand-in observer endpoint on this machine",
		Long:  stubLong,
		Example: `  assay observer stub --listen 127.0.0.1:8777 --key-file observer.key
  assay observer stub --fault error=0.3,lost=0.1`,
		Args: arguments(0, 0, "stub takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return f.serve(ctx)
		},
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` on this machine; port 0 takes a free one")
	c.Flags().StringVar(&f.slug, "slug", observer.DefaultSlug, "the one chain it has")
	c.Flags().StringVar(&f.keyFile, "key-file", "", "`FILE` with the key that it asks for, made where there is none; else one for this once")
	c.Flags().StringVar(&f.faults, "fault", "", "misbehave: `NAME=SHARE,…` of "+strings.Join(observerstub.FaultNames(), ", "))
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`NUMBER` from which the faults are drawn")
	c.Flags().BoolVar(&f.single, "single", false, "take one row a request and no batches")
	return c
}

func (f *stubFlags) serve(ctx context.Context) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return surroundings(err)
	}
	if f.keyFile == "" {
		dir, err := os.MkdirTemp("", "assay-observer-")
		if err != nil {
			return surroundings(err)
		}
		defer os.RemoveAll(dir) // the key is for this once
		f.keyFile = filepath.Join(dir, "key")
	}
	key, err := f.key()
	if err != nil {
		_ = l.Close()
		return surroundings(err)
	}
	o.Key = key
	fmt.Printf("http://%s\n", l.Addr())
	note("an observer for the configuration %s:\ndestinations:\n  - name: observer\n    type: observer\n    url: http://%s\n    secret: \"@file:%s\"", configPath(), l.Addr(), f.keyFile)
	stub := observerstub.New(o)
	server := &http.Server{Handler: stub, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return surroundings(err)
	case <-ctx.Done():
	}
	stub.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close()
	}
	return tellStub(stub.State())
}

func (f *stubFlags) options() (*observerstub.Options, error) {
	o := &observerstub.Options{Slug: f.slug, Single: f.single}
	if err := observer.CheckSlug(f.slug); err != nil {
		return nil, usage("", "--slug: %v", err)
	}
	host, _, err := net.SplitHostPort(f.listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usage("--listen 127.0.0.1:0", "--listen %q: a stand-in listens on this machine alone", f.listen)
	}
	if f.faults != "" {
		if o.Fault, err = observerstub.ParseFaults(f.faults, f.seed); err != nil {
			return nil, usage("", "--fault: %v", err)
		}
	}
	rows := json.NewEncoder(os.Stdout)
	rows.SetEscapeHTML(false)
	o.Took = func(r observerstub.Row) { _ = rows.Encode(r) } // nobody reads: the rows are kept all the same
	return o, nil
}

// key is the key in the key file, which is made where there is none: one that
// only this user reads.
func (f *stubFlags) key() (string, error) {
	b, err := os.ReadFile(f.keyFile)
	if err == nil {
		if key := strings.TrimSpace(string(b)); key != "" {
			return key, nil
		}
		return "", fmt.Errorf("the key file %s is empty", f.keyFile)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	key := "zsm_live_" + hex.EncodeToString(raw[:])
	return key, os.WriteFile(f.keyFile, []byte(key+"\n"), 0o600)
}

// tellStub sums up what came.
func tellStub(s observerstub.State) error {
	note("%s, %d came again and made no second, %d dropped by the sender", plural(s.Rows, "row"), s.Replays, s.Missing)
	for _, i := range s.Incidents {
		note("%s  %s  %s", i.What, cmp.Or(i.ID, "-"), i.Note)
	}
	if len(s.Incidents) > 0 {
		return said(exitFailed)
	}
	return nil
}
