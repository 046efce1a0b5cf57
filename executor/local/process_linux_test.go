package local

import (
	"path/filepath"
	"testing"
)

// Where the system counts the kernels that its memory killer took. The trees
// hold what Linux writes; a real kill needs a cgroup of one's own with a limit,
// which a test may seldom make.
func TestOOMKills(t *testing.T) {
	t.Parallel()
	const (
		events  = "low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 1\n" // version 2
		control = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"                // version 1
	)
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing is told", nil, 0},
		{"version 2", map[string]string{
			"proc/self/cgroup": "0::/user.slice/run.scope\n", "sys/fs/cgroup/user.slice/run.scope/memory.events": events,
		}, 2},
		{"version 2, of a container", map[string]string{ // the group that is named belongs to the host
			"proc/self/cgroup": "0::/../../pod/c1\n", "sys/fs/cgroup/memory.events": events,
		}, 2},
		{"version 2, without the memory controller", map[string]string{
			"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cgroup.controllers": "cpu\n",
		}, 0},
		{"version 1", map[string]string{
			"proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/c1\n3:cpuset,cpu:/\n0::/\n",
			"sys/fs/cgroup/memory/docker/c1/memory.oom_control":       control,
			"sys/fs/cgroup/cpuset,cpu/docker/c1/memory.oom_control":   control,
			"sys/fs/cgroup/unified/docker/c1/memory.events":           events,
			"sys/fs/cgroup/memory/docker/c1/other/memory.oom_control": control,
		}, 5},
		{"version 1 of an old system", map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
		}, 0},
		{"a file that makes no sense", map[string]string{
			"proc/self/cgroup": "0\n0::/a:b\nx\n", "sys/fs/cgroup/a:b/memory.events": "oom_kill many\noom_kill\n",
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, content := range c.files {
				put(t, filepath.Join(root, name), content)
			}
			if got := oomKillsUnder(root); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
