package pinned

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is a process's resident and its proportional set in octets (proc_pid_smaps(5)): shared pages count once in the latter.
func Memory(pid int) (rss, pss float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "Rss:":
			rss = kib * 1024
		case "Pss:":
			pss = kib * 1024
		}
	}
	return rss, pss, nil
}
