package events

// Format is how an event looks to those outside. It is safe for concurrent use
// and always gives the same bytes for the same event.
type Format interface {
	// ContentTypes are the media types of one encoded event and of a JSON array
	// of several; batch is "" where several cannot be sent at once.
	ContentTypes() (single, batch string)
	// Wants says whether the format can say the event at all.
	Wants(e Event) bool
	// Encode returns one JSON value. An error means that this event can never be said.
	Encode(e Event) ([]byte, error)
}

// Native is the Format of this package: the bytes that are kept and hashed.
type Native struct{}

var _ Format = Native{}

// ContentTypes implements Format.
func (Native) ContentTypes() (single, batch string) { return "application/json", "application/json" }

// Wants implements Format: it is always true.
func (Native) Wants(Event) bool { return true }

// Encode implements Format.
func (Native) Encode(e Event) ([]byte, error) { return e.Encode() }
