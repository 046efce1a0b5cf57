package audit

import (
	"fmt"
	"strconv"
	"strings"
)

// tell puts the facts that are proved into sentences, and says whose word each is.
func (v *Verdict) tell(e *Entry, r *Receipt, f *RunFacts, rescued *Recovered, hidden []string) {
	if e.Kind == KindRecovered {
		v.tellRecovered(e, r, rescued)
	} else {
		for _, p := range r.Payloads {
			s := fmt.Sprintf("the log recorded as %s: %s", p.Name, p.Data)
			if e.Kind == KindRun {
				s = f.sentence(p.Name)
			}
			v.Proved = append(v.Proved, s)
		}
	}
	if len(hidden) > 0 {
		v.NotProved = append(v.NotProved, "what this receipt does not show, withheld or erased: "+strings.Join(hidden, ", "))
	}
	if r.Ephemeral {
		v.NotProved = append(v.NotProved, "whose log it is beyond this one job: its key is ephemeral, made in a throwaway place")
	}
	if e.Kind != KindRun && e.Kind != KindRecovered {
		return
	}
	switch f.Result.Completeness {
	case "not_provable":
		v.NotProved = append(v.NotProved, "that no output was lost on its way: the kernel's message ids cannot show it, and no loss was seen")
	case "lost":
		v.NotProved = append(v.NotProved, "that all output is there: some is known to be lost")
	}
	v.NotProved = append(v.NotProved,
		"that the kernel told the truth: what it is, its scraps and its outputs are its own word, and a notebook can make it say anything",
		"that nobody interfered on that machine: a notebook that ran under the same user could have reached the log and its key",
		"that the times are right: they are those of the machine's own clock")
}

// ended says how a run ended, in the first sentence of all: that a receipt
// verifies must not be read as that the run succeeded.
func ended(state string) string {
	if state == stateSucceeded {
		return "assay recorded that the run succeeded"
	}
	return "the run did NOT succeed: assay recorded that it ended " + word(state)
}

// word is a state or a reason as it is, and in quotes what is none that assay writes.
func word(s string) string {
	if s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return strconv.Quote(s)
	}
	return s
}

// named is a run's id as it is, and in quotes what is none that assay makes.
func named(id string) string {
	if id == "" || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" {
		return strconv.Quote(id)
	}
	return id
}

// stateSucceeded is the one state of a run in which all went well (docs/run-states.md).
const stateSucceeded = "succeeded"

// sentence is what a payload says.
func (f *RunFacts) sentence(payload string) string {
	switch payload {
	case PayloadInput:
		return fmt.Sprintf("assay read the input %s (%d bytes)", f.Input.File, f.Input.Size)
	case PayloadParameters:
		return "assay injected the parameters " + f.parameters()
	case PayloadKernel:
		k := f.Kernel
		return fmt.Sprintf("the kernel %s reported itself as %s, %s", k.Name, pair(k.Language, k.LanguageVersion), pair(k.Implementation, k.ImplementationVersion))
	case PayloadEnvironment:
		n := f.Environment
		return fmt.Sprintf("assay read the environment: %s %s on %s with %d packages, %s", n.Interpreter, n.Version, n.Platform, len(n.Packages), n.Digest())
	case PayloadCells:
		return "assay recorded the cells: " + f.states()
	case PayloadOutput:
		return fmt.Sprintf("assay wrote the output %s (%d bytes)", f.Output.File, f.Output.Size)
	case PayloadScraps:
		return fmt.Sprintf("the kernel reported %d scraps", len(f.Scraps))
	case PayloadNames:
		return fmt.Sprintf("assay recorded who: user %s on %s, asked by %s; %s to %s", f.Names.User, f.Names.Host, f.Names.AskedBy, f.Names.Input, f.Names.Output)
	case PayloadResult:
		because := ""
		if f.Result.Reason != "" {
			because = ", which ended so because of " + f.Result.Reason
		}
		return fmt.Sprintf("assay %s recorded a run by %s from %s to %s%s", f.Result.Assay, f.Result.Trigger, formatTime(f.Result.Start), formatTime(f.Result.End), because)
	case PayloadEvents:
		return fmt.Sprintf("assay recorded %d events, %s", f.Events.Count, f.Events.Digest)
	}
	return ""
}

func pair(a, b string) string { return strings.TrimSpace(a + " " + b) }

func (f *RunFacts) parameters() string {
	if len(f.Parameters) == 0 {
		return "(none)"
	}
	var parts []string
	for _, p := range f.Parameters {
		value := p.Value
		if p.Secret != "" {
			value = p.Secret + " (a secret, by its commitment)"
		}
		parts = append(parts, p.Name+" = "+value)
	}
	return strings.Join(parts, ", ")
}

// states counts the cells by state, in the order in which states come up.
func (f *RunFacts) states() string {
	var order []string
	count := map[string]int{}
	for _, c := range f.Cells {
		s := c.State
		if s == "" {
			s = c.Type
		}
		if count[s]++; count[s] == 1 {
			order = append(order, s)
		}
	}
	parts := []string{fmt.Sprintf("%d in all", len(f.Cells))}
	for _, s := range order {
		parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
	}
	return strings.Join(parts, ", ")
}
