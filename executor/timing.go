package executor

import "time"

const timingLayout = "2006-01-02T15:04:05.000000Z"

// stamp is a header's date as nbclient writes it into metadata.execution:
// UTC with microseconds; the time of arrival when the header has no date.
func stamp(m *Message) string {
	d := m.Header.Date
	if len(d) == len(timingLayout) && d[10] == 'T' && d[19] == '.' && d[26] == 'Z' {
		return d
	}
	at, err := time.Parse(time.RFC3339Nano, d)
	if err != nil {
		if at, err = time.Parse("2006-01-02T15:04:05.999999999", d); err != nil {
			at = m.Received
		}
	}
	if at.IsZero() {
		at = time.Now()
	}
	return at.UTC().Format(timingLayout)
}
