package task

import "time"

// Task is the row of one task. The wish (Desired, StopCode, StoppedReason) is written by Run and Stop; everything that was
// observed is written by Loop. Times are zero until they happen.
type Task struct {
	ARN           string
	ID            string // 32 hexadecimal digits
	Account       string
	Region        string
	ClusterARN    string
	DefinitionARN string // key of Tables.Definitions

	Group            string // "service:web", "family:web" or what RunTask was given
	StartedBy        string `json:",omitempty"` // the deployment's id for tasks of a service
	ServiceARN       string `json:",omitempty"`
	DeploymentID     string `json:",omitempty"` // "ecs-svc/1234567890123456789"
	LaunchType       string
	CapacityProvider string `json:",omitempty"`
	PlatformVersion  string
	PlatformFamily   string
	Architecture     string // X86_64, ARM64
	Overrides        Overrides
	Tags             []Tag `json:",omitempty"`
	EnableExecute    bool  `json:",omitempty"`

	CPU          int // effective: definition's or override's, units
	Memory       int // effective, MiB
	EphemeralGiB int // effective

	Desired       State // RUNNING or STOPPED
	Status        State
	StopCode      StopCode `json:",omitempty"`
	StoppedReason string   `json:",omitempty"`
	Version       int64    // counts the changes an event tells of

	AvailabilityZone string
	SubnetID         string
	SecurityGroups   []string
	AssignPublicIP   bool
	Attachment       Attachment

	Connectivity       string // "", CONNECTED, DISCONNECTED
	Health             Health
	CreatedAt          time.Time
	ConnectivityAt     time.Time `json:",omitzero"`
	PullStartedAt      time.Time `json:",omitzero"`
	PullStoppedAt      time.Time `json:",omitzero"`
	StartedAt          time.Time `json:",omitzero"`
	StoppingAt         time.Time `json:",omitzero"`
	ExecutionStoppedAt time.Time `json:",omitzero"`
	StoppedAt          time.Time `json:",omitzero"`

	Containers []Container
	Targets    []Target `json:",omitempty"`

	// Where the task stands on its way, so that a restart resumes there.
	Sandboxed bool  `json:",omitempty"` // the engine has made what the containers share
	Attached  bool  `json:",omitempty"` // targets were registered
	Retry     Retry `json:",omitzero"`
}

// Retry is the step that failed last and when it is tried again.
type Retry struct {
	Step     string
	Attempts int
	At       time.Time
}

// State is a task's place in its life.
//
//	PROVISIONING → PENDING → ACTIVATING → RUNNING → DEACTIVATING → STOPPING → DEPROVISIONING → STOPPED
//
// A task only moves to the right; a stop wished early, or a failure, skips states.
// AWS: "Amazon ECS task lifecycle".
type State string

const (
	Provisioning   State = "PROVISIONING"   // the network interface is being made
	Pending        State = "PENDING"        // images are pulled, containers created and started
	Activating     State = "ACTIVATING"     // targets are registered
	Running        State = "RUNNING"        //
	Deactivating   State = "DEACTIVATING"   // targets are deregistered and drain
	Stopping       State = "STOPPING"       // containers are told to stop
	Deprovisioning State = "DEPROVISIONING" // the network interface is being deleted
	Stopped        State = "STOPPED"
)

// order of the states, see State.
var order = map[State]int{Provisioning: 0, Pending: 1, Activating: 2, Running: 3, Deactivating: 4, Stopping: 5, Deprovisioning: 6, Stopped: 7}

// Before tells whether s comes before o in a task's life.
func (s State) Before(o State) bool { return order[s] < order[o] }

// StopCode is AWS's class of reasons why a task stopped.
type StopCode string

const (
	TaskFailedToStart         StopCode = "TaskFailedToStart"
	EssentialContainerExited  StopCode = "EssentialContainerExited"
	UserInitiated             StopCode = "UserInitiated"
	ServiceSchedulerInitiated StopCode = "ServiceSchedulerInitiated"
	SpotInterruption          StopCode = "SpotInterruption"
	TerminationNotice         StopCode = "TerminationNotice"
)

// Health is the verdict of container health checks.
type Health string

const (
	Unknown   Health = "UNKNOWN"
	Healthy   Health = "HEALTHY"
	Unhealthy Health = "UNHEALTHY"
)

// Attachment is the task's network interface as DescribeTasks shows it.
type Attachment struct {
	ID             string // uuid
	Status         string // PRECREATED ATTACHING ATTACHED DETACHING DELETED
	InterfaceID    string `json:",omitempty"`
	MAC            string `json:",omitempty"`
	PrivateIP      string `json:",omitempty"`
	PrivateDNSName string `json:",omitempty"`
}

// Values of Attachment.Status.
const (
	AttachmentPrecreated = "PRECREATED"
	AttachmentAttaching  = "ATTACHING"
	AttachmentAttached   = "ATTACHED"
	AttachmentDetaching  = "DETACHING"
	AttachmentDeleted    = "DELETED"
)

// Container is one container of a task as observed. Status is PENDING, RUNNING or STOPPED.
type Container struct {
	Name      string
	ARN       string
	ID        string // for the Engine; a restarted container gets a new one
	RuntimeID string // as shown; the ID of the first incarnation
	Image     string
	Digest    string `json:",omitempty"`
	Essential bool

	CPU               int `json:",omitempty"`
	Memory            int `json:",omitempty"`
	MemoryReservation int `json:",omitempty"`

	Status     State
	ExitCode   *int   `json:",omitempty"`
	Reason     string `json:",omitempty"`
	Health     Health
	OOMKilled  bool      `json:",omitempty"`
	StartedAt  time.Time `json:",omitzero"` // of this incarnation
	FinishedAt time.Time `json:",omitzero"`

	RestartCount int  `json:",omitempty"`
	Restarting   bool `json:",omitempty"` // this incarnation is yet to be started; Status stays RUNNING meanwhile

	StopSignal string    `json:",omitempty"` // the image's STOPSIGNAL, empty for SIGTERM
	KillAt     time.Time `json:",omitzero"`  // set when it was asked to stop: when it is killed
	Killed     bool      `json:",omitempty"` // it was; KillAt is when it is removed if that did not help

	Log LogSpec
}

// Target is one place where the task's service wants its traffic.
type Target struct {
	TargetGroupARN string
	ContainerName  string
	ContainerPort  int
}

// Tag is a key and a value.
type Tag struct{ Key, Value string }

// RunSpec is the wish for one task.
type RunSpec struct {
	Account, Region  string
	ClusterARN       string
	ClusterName      string
	Definition       *Definition
	Overrides        Overrides
	Group            string // empty: "family:" + the definition's family
	StartedBy        string
	ServiceARN       string
	DeploymentID     string
	LaunchType       string // FARGATE, EC2; empty with a capacity provider
	CapacityProvider string
	PlatformVersion  string // empty or LATEST: 1.4.0
	SubnetID         string
	AvailabilityZone string // of the subnet
	SecurityGroups   []string
	AssignPublicIP   bool
	Targets          []Target
	Tags             []Tag
	EnableExecute    bool
}

// Container returns the container of that name.
func (t *Task) Container(name string) (*Container, bool) {
	for i := range t.Containers {
		if t.Containers[i].Name == name {
			return &t.Containers[i], true
		}
	}
	return nil, false
}
