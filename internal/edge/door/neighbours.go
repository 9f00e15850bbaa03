package door

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Several platforms share the machine's 127.0.0.1, and only one of them can have a port there. So every edge writes down
// where its names lead, and the one that has the port serves the others' names as well.

// directory is the names of one platform: "host:port" → public addresses, none where the name is on certificates of several load balancers.
type directory map[string][]netip.AddrPort

// maxDirectory is the largest file of a neighbour that is read.
const maxDirectory = 4 << 20

func entry(host string, port uint16) string { return fmt.Sprintf("%s:%d", strings.ToLower(host), port) }

// listed are the names that lead through the shared doors among these.
func listed(doors map[netip.AddrPort]*rooms) directory {
	d := directory{}
	for at, behind := range doors {
		for name, list := range behind.certified {
			d[entry(name, at.Port())] = nil
			if r := sole(list); r != nil {
				d[entry(name, at.Port())] = r.public
			}
		}
		for host, r := range behind.byHost {
			d[entry(host, at.Port())] = r.public
		}
	}
	return d
}

// publish writes this platform's directory for the others. Nothing depends on it surviving a crash of the machine.
func publish(path string, d directory) error {
	if path == "" {
		return nil
	}
	if len(d) == 0 {
		err := os.Remove(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// on reports whether there is a name on a port.
func (d directory) on(port uint16) bool {
	suffix := entry("", port)
	for at := range d {
		if strings.HasSuffix(at, suffix) {
			return true
		}
	}
	return false
}

// neighbour is another platform: its directory as last read.
type neighbour struct {
	path  string
	read  time.Time // the file's time then
	names directory
}

// elsewhere are the load balancers of neighbours with one of these names on a port. One without addresses stands for several.
func (k *Keeper) elsewhere(port uint16, names ...string) (found []*room) {
	for _, n := range k.others() {
		for _, name := range names {
			if public, ok := n.names[entry(name, port)]; ok {
				found = append(found, &room{balancer: name, public: public})
			}
		}
	}
	return found
}

// crowded reports whether some neighbour has a name on a port.
func (k *Keeper) crowded(port uint16) bool {
	return slices.ContainsFunc(k.others(), func(n *neighbour) bool { return n.names.on(port) })
}

// others are the neighbours. Files are read again when they have changed.
func (k *Keeper) others() (all []*neighbour) {
	if k.neighbours == "" {
		return nil
	}
	paths, err := filepath.Glob(k.neighbours)
	if err != nil {
		return nil
	}
	k.knownMu.Lock()
	defer k.knownMu.Unlock()
	seen := map[string]*neighbour{}
	for _, path := range paths {
		if path == k.own {
			continue
		}
		n := k.known[path]
		fi, err := os.Stat(path)
		if err != nil || fi.Size() > maxDirectory {
			continue
		}
		if n == nil || !n.read.Equal(fi.ModTime()) {
			n = &neighbour{path: path, read: fi.ModTime()}
			content, err := os.ReadFile(path)
			if err != nil || json.Unmarshal(content, &n.names) != nil {
				continue
			}
		}
		seen[path] = n
		all = append(all, n)
	}
	k.known = seen
	return all
}
