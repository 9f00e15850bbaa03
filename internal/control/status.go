package control

import (
	"net/http"
	"sort"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/task"
)

// Status is what `neargate status` and `neargate ps` show.
type Status struct {
	Account, Region string
	Services        []ServiceStatus
	Tasks           []TaskStatus
	LoadBalancers   []LoadBalancerStatus
}

// ServiceStatus is one ECS service.
type ServiceStatus struct {
	Cluster, Name    string
	Desired, Running int
	Pending          int
	Rollout          string
	LastEvent        string
	LastEventAt      time.Time
}

// TaskStatus is one task.
type TaskStatus struct {
	Cluster, ID, Group, Definition string
	Status                         string
	Health                         string
	Address, Zone                  string
	StartedAt                      time.Time
	StoppedReason                  string
	Containers                     []ContainerStatus
}

// ContainerStatus is one container of a task.
type ContainerStatus struct {
	Name, Image, Status string
	ExitCode            *int
	Reason              string
}

// LoadBalancerStatus is one load balancer and where this machine reaches it.
type LoadBalancerStatus struct {
	Name, State, DNSName string
	Internal             bool // only its VPC reaches it
	Listeners            []ListenerStatus
	URL                  string // by name: for curl and browsers, which know .localhost
	Address              string // by address: for everything else
	Public               []string
	Closed               []DoorStatus
}

// DoorStatus is an address of this machine that ought to lead to a load balancer and does not.
type DoorStatus struct {
	Address string // address:port, or address:port/udp
	Why     string
}

// ListenerStatus is one of its ports.
type ListenerStatus struct {
	Protocol string
	Port     int
}

func (c *core) serveStatus(w http.ResponseWriter, r *http.Request) error {
	var doors []edgeapi.SocketStatus
	if s, err := c.edge.Status(r.Context(), 0, 0); err == nil { // else edge is starting: its doors are about to open
		doors = s.Doors
	}
	writeJSON(w, http.StatusOK, c.status(closedDoors(doors, otherEdges)))
	return nil
}

// status reads the rows; closed are the doors of load balancers, by ARN.
func (c *core) status(closed map[string][]DoorStatus) Status {
	tx := c.store.View()
	s := Status{Account: c.config.Account, Region: c.config.Region, Services: []ServiceStatus{}, Tasks: []TaskStatus{}, LoadBalancers: []LoadBalancerStatus{}}
	for row := range c.tables.deploy.Services.All(tx, "") {
		item := ServiceStatus{Cluster: row.ClusterName, Name: row.Name, Desired: row.Desired}
		if row.Status != "ACTIVE" {
			continue
		}
		for t := range c.tables.tasks.Tasks.By(tx, task.ByService, row.ARN) {
			switch {
			case t.Status == task.Running:
				item.Running++
			case t.Status.Before(task.Running):
				item.Pending++
			}
		}
		if d, ok := c.tables.deploy.Deployment(tx, row.ARN, row.Primary); ok {
			item.Rollout = string(d.Rollout)
		}
		if events := c.tables.deploy.EventsOf(tx, row.ARN); len(events) > 0 {
			item.LastEvent, item.LastEventAt = events[0].Message, events[0].At
		}
		s.Services = append(s.Services, item)
	}
	for row := range c.tables.tasks.Tasks.All(tx, "") {
		s.Tasks = append(s.Tasks, taskStatus(row))
	}
	sort.Slice(s.Tasks, func(i, j int) bool { return s.Tasks[i].StartedAt.After(s.Tasks[j].StartedAt) })
	for lb := range c.tables.balance.LoadBalancers.All(tx, "") {
		item := LoadBalancerStatus{Name: lb.Name, State: lb.State, DNSName: lb.DNSName, Internal: lb.Scheme == balance.SchemeInternal, Closed: closed[lb.ARN]}
		for _, l := range c.balance.ListenersOf(tx, lb.ARN) {
			item.Listeners = append(item.Listeners, ListenerStatus{l.Protocol, l.Port})
		}
		for _, n := range lb.Nodes {
			if i, ok := c.network.Interface(tx, n.InterfaceID); ok && i.PublicIP.IsValid() {
				item.Public = append(item.Public, i.PublicIP.String())
			}
		}
		if len(item.Public) > 0 {
			item.URL, item.Address = "http://"+lb.DNSName, "http://"+lb.Loopback.String()
		}
		s.LoadBalancers = append(s.LoadBalancers, item)
	}
	return s
}

func taskStatus(t *task.Task) TaskStatus {
	out := TaskStatus{
		Cluster: lastPart(t.ClusterARN), ID: t.ID, Group: t.Group, Definition: lastPart(t.DefinitionARN), Status: string(t.Status), Health: string(t.Health),
		Address: t.Attachment.PrivateIP, Zone: t.AvailabilityZone, StartedAt: t.StartedAt, StoppedReason: t.StoppedReason,
	}
	for _, c := range t.Containers {
		out.Containers = append(out.Containers, ContainerStatus{Name: c.Name, Image: c.Image, Status: string(c.Status), ExitCode: c.ExitCode, Reason: c.Reason})
	}
	return out
}
