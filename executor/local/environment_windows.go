package local

import "io"

// readStart fills buf with the first bytes of a regular file, and of nothing else.
func readStart(path string, buf []byte) (int, error) {
	f, err := openFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.ReadFull(f, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
