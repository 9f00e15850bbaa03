package control

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/machine/process"
)

// loopback is the address that all platforms of the machine share.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// closedDoors finds, by load balancer, the doors that lead nowhere and who has taken their ports. A port of 127.0.0.1 that the edge of another
// platform has is no such door: that edge serves our names too. Edges are known by their locks, whose pattern edges is.
func closedDoors(doors []edgeapi.SocketStatus, edges string) map[string][]DoorStatus {
	closed := map[string][]DoorStatus{}
	for _, d := range doors {
		if d.Open || d.Error == "" {
			continue
		}
		status := DoorStatus{Address: d.Address, Why: d.Error}
		at, network := strings.TrimSuffix(d.Address, "/udp"), "tcp"
		if at != d.Address {
			network = "udp"
		}
		if ap, err := netip.ParseAddrPort(at); err == nil {
			if owner, err := process.Listening(network, ap); err == nil && owner != (process.ID{}) {
				if network == "tcp" && ap.Addr() == loopback && isEdge(owner, edges) {
					continue
				}
				status.Why = fmt.Sprintf("%s (process %d) has the port", owner.Name(), owner.PID)
			}
		}
		closed[d.ID] = append(closed[d.ID], status)
	}
	return closed
}

func isEdge(p process.ID, edges string) bool {
	locks, _ := filepath.Glob(edges) // fails only for a bad pattern
	return slices.ContainsFunc(locks, p.Holds)
}
