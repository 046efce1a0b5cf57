package executor

import (
	"context"
	"errors"
	"time"
)

// Kernel is one running kernel that is ready: its kernel_info_reply and its
// iopub subscription are proven. A Kernel is driven by one caller at a time,
// except that Interrupt, Kill and Close may be called at any moment.
type Kernel interface {
	// Info says what the kernel is. It never changes.
	Info() Info

	// Send writes one message. A message with an empty Header.MsgID is refused;
	// Header.Session, Date, Username and Version are filled in when empty.
	Send(ctx context.Context, m Message) error

	// Next returns the next message from any channel, in the order in which the
	// kernel's sockets gave them. It returns ctx.Err() when ctx ends, which
	// harms nothing: the message comes with the next call. When the kernel is
	// gone it first returns everything that was received, then an *ExitError.
	// Implementations read from the kernel even when nobody calls Next.
	Next(ctx context.Context) (Message, error)

	// Interrupt asks the kernel to stop its cell. ErrCannotInterrupt means that
	// this kernel dies of an interrupt or ignores it: the caller uses Kill.
	Interrupt(ctx context.Context) error

	// Kill ends the kernel now, with everything that it started.
	Kill() error

	// Close ends the kernel politely and in stages, then frees what it held. It
	// returns when nothing is left, at the latest when ctx ends, after which
	// the kernel has been killed. Closing twice is allowed.
	Close(ctx context.Context) error
}

// Info is what a kernel said of itself, and what is known of how it was reached.
type Info struct {
	Name                  string // kernelspec name that was started
	DisplayName           string
	Language              string // language_info.name
	LanguageInfo          []byte // language_info as the kernel sent it, a JSON object
	Implementation        string
	ImplementationVersion string
	ProtocolVersion       string
	Session               string // header.session of the kernel's own messages; another one means another kernel process
	Banner                string
	Via                   string // "local" or "gateway"
	Where                 string // interpreter path or gateway URL without secrets
	PID                   int    // 0 when unknown
	Counted               bool   // message ids carry a counter, so a lost message shows as a gap
	Started               time.Time
	Ready                 time.Time
}

// ErrCannotInterrupt is returned by Interrupt where the kernel has no working interrupt.
var ErrCannotInterrupt = errors.New("this kernel cannot be interrupted")

// ExitError says that a kernel ended, or was replaced by another process
// behind our back, or can no longer be reached.
type ExitError struct {
	Reason    string // a sentence for people: "signal: killed", "exit status 3", "restarted by the gateway", "gateway closed the connection"
	Code      int    // exit status, -1 when unknown or by signal
	Signal    string // "killed", "segmentation fault"; empty when not by signal
	OOM       bool   // the memory limit or the kernel's OOM killer ended it
	Restarted bool   // another process answers under this kernel's name now
	Log       string // the end of the process's own stdout and stderr, where they are known
}

func (e *ExitError) Error() string { return "kernel is gone: " + e.Reason }

// LossNotice is put in front of Next's caller as a message of type
// LossNoticeType when the way to the kernel knows that it lost messages: the
// gateway's rate limit notice, a reconnect without replay.
const LossNoticeType = "assay_loss_notice"
