package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/internal/task"
)

// etcFiles are the files of /etc that every container gets from its task.
var etcFiles = []string{"hostname", "hosts", "resolv.conf"}

// writeEtc writes them into the bundle.
func writeEtc(bundle string, s task.Sandbox, c task.ContainerSpec) error {
	for name, text := range map[string]string{
		"hostname":    s.Hostname + "\n",
		"hosts":       hosts(c.Hosts),
		"resolv.conf": resolvConf(s.DNS),
	} {
		if err := os.WriteFile(filepath.Join(bundle, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func hosts(more []task.HostEntry) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	for _, h := range more {
		fmt.Fprintf(&b, "%s\t%s\n", h.Address, h.Name)
	}
	return b.String()
}

func resolvConf(servers []string) string {
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	return b.String()
}
