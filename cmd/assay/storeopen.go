package main

import "context"

// finishErasure does what an erasure that was killed left to do, which the
// opening of the store has found out.
func (s *state) finishErasure(ctx context.Context) {
	if err := s.store.FinishErasure(ctx); err != nil {
		note("warning: of something that was erased before: %v", err)
		note("hint: assay store scrub")
	}
}
