//go:build !linux

package runs

import "os/user"

// User is the name that the system has for the user of this process; "" for none.
func User() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
