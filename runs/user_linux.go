package runs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// User is the name that /etc/passwd has for the user of this process, or
// "uid 1234". Package os/user without cgo would believe the variable USER.
func User() string { return userIn("/etc/passwd", os.Getuid()) }

func userIn(passwd string, uid int) string {
	data, _ := os.ReadFile(passwd)
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, ":"); len(f) == 7 && f[0] != "" && f[2] == strconv.Itoa(uid) {
			return f[0]
		}
	}
	return fmt.Sprintf("uid %d", uid)
}
