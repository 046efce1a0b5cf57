package main

import (
	"context"
	"errors"
	"fmt"

	"assay/runs"
	"assay/runs/output"
)

// recoveryLog enters recoveries in the log, which it opens for the first of
// them. Nothing that it cannot do keeps a notebook from being recovered.
type recoveryLog struct {
	ctx      context.Context
	receipts bool
	s        *state
	svc      *runs.Service
	failed   bool // to open it: that is said once
}

// enter enters what was recovered; nil where that is not in the log.
func (b *recoveryLog) enter(r output.Report) *runs.Recovered {
	if !b.open() {
		return nil
	}
	got, err := b.svc.EnterRecovered(b.ctx, r, askedBy(), b.receipts)
	var receipt *runs.ReceiptError
	switch {
	case errors.As(err, &receipt):
		note("warning: %s stands in the log, and its receipt is not beside it: %v", r.Path, err)
		note("hint: assay log prove %s writes it", receipt.Run)
	case err != nil:
		note("warning: what was recovered to %s is not in the log: %v", r.Path, err)
	}
	return got
}

// open opens the state, and first has the log say which runs were interrupted.
func (b *recoveryLog) open() bool {
	if b.s != nil || b.failed {
		return b.s != nil
	}
	s, err := openState(b.ctx)
	if err != nil {
		b.failed = true
		note("warning: the log cannot be opened, so what is recovered is not in it: %v", err)
		if _, hint := classify(err); hint != "" {
			note("hint: %s", hint)
		}
		return false
	}
	b.s, b.svc = s, s.service(1, nil)
	if _, err := b.svc.Sweep(b.ctx, s.gone); err != nil {
		note("warning: %v", err)
	}
	return true
}

func (b *recoveryLog) close() {
	if b.s == nil {
		return
	}
	b.svc.Close()
	if err := b.s.close(b.ctx); err != nil { // everything is kept by now
		note("warning: %v", err)
	}
}

// inLog says where a recovery stands, after what was recovered.
func inLog(r *runs.Recovered) string {
	switch {
	case r == nil:
		return ""
	case r.Receipt == "":
		return fmt.Sprintf("; entry %d of the log", r.Entry)
	}
	return fmt.Sprintf("; entry %d of the log, receipt %s", r.Entry, safeText(r.Receipt))
}
