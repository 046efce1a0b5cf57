package events_test

import (
	"testing"

	"assay/events"
	"assay/events/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(*testing.T) func() storetest.Both {
		m := events.NewMemory()
		return func() storetest.Both { return m }
	})
}
