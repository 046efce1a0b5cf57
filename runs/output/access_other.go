//go:build !unix

package output

// writable is found out by writing: no question answers it here.
func writable(string) error { return nil }
