package strip

import "bytes"

// UnixNewlines makes every line end of a JSON text a line feed. Texts inside
// the notebook stay: JSON has their line ends as escapes.
func UnixNewlines(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}
