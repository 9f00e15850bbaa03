package deploy

// Placement is what the scheduler notes about a task it started, from Run until the task has stopped. It makes every fact count
// once, across restarts: a failure, a health check, an event.
type Placement struct {
	ServiceARN string
	TaskARN    string
	Deployment string

	Registered bool `json:",omitempty"` // seen with its targets registered
	Proven     bool `json:",omitempty"` // was healthy once
	Faulted    bool `json:",omitempty"` // its failed health check was counted
	Released   bool `json:",omitempty"` // the scheduler asked it to stop
	Lost       bool `json:",omitempty"` // it stopped without having been asked, and that was counted
	Drained    bool `json:",omitempty"` // its draining was told
	Rebalance  bool `json:",omitempty"` // started to even the zones out
}

func placementKey(service, taskARN string) string { return service + "|" + taskARN }
