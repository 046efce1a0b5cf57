package store

import (
	"errors"
	"fmt"

	"assay/events"
)

// plain is the codec of a store without one: the tag 0 and the bytes as they are.
type plain struct{}

func (plain) Seal(_ events.Event, b []byte) ([]byte, error) {
	return append(append(make([]byte, 0, len(b)+1), 0), b...), nil
}

func (plain) Open(_ events.Event, b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != 0 {
		return nil, errors.New("it is sealed: open the store with the codec and keys that sealed it")
	}
	return b[1:], nil
}

// binding stands for the columns that a codec binds its bytes to, where the
// bytes are not an event's: no sealed row can be put in the place of another.
func binding(table, id string) events.Event {
	return events.Event{ID: id, Type: "data.store." + table, Source: "assay/store"}
}

func (s *Store) seal(table, id string, b []byte) ([]byte, error) {
	sealed, err := s.codec.Seal(binding(table, id), b)
	if err != nil {
		return nil, fmt.Errorf("seal %s %s: %w", table, id, err)
	}
	return sealed, nil
}

func (s *Store) unseal(table, id string, sealed []byte) ([]byte, error) {
	b, err := s.codec.Open(binding(table, id), sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", table, id, err)
	}
	return b, nil
}
