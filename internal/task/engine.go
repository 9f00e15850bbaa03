package task

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// Engine runs containers. Every call is idempotent by id and safe to repeat after a crash of the caller: creating what exists
// with the same id succeeds and changes nothing, starting what runs or has already exited succeeds, signalling or removing what
// is gone succeeds. An engine outlives its callers: containers keep running when the process that started them dies, and List
// tells the next process about them, exit codes included.
//
// enginetest holds the law as a conformance suite.
type Engine interface {
	// Pull makes an image present and returns its digest. Failures the user has to see are *PullError.
	Pull(ctx context.Context, r PullRequest) (Image, error)
	// CreateTask makes what the containers of one task share: the cgroup with the task's limits, its volumes, its namespaces.
	CreateTask(ctx context.Context, t Sandbox) error
	// CreateContainer prepares a container of a created task from a present image. Failures the user has to see are *StartError.
	CreateContainer(ctx context.Context, c ContainerSpec) error
	// StartContainer runs a created container; the process has been started when it returns. A container that has run once is not
	// run again: a restart removes and creates it. Failures the user has to see are *StartError.
	StartContainer(ctx context.Context, id string) error
	// Signal sends a signal to the container's first process.
	Signal(ctx context.Context, id string, s syscall.Signal) error
	// Exec runs a further process in a running container. An error means that it could not be run at all, or that ctx ended first
	// (the process is then killed); an exit status other than 0 is not an error. ErrNotRunning if the container does not run.
	Exec(ctx context.Context, id string, e ExecSpec) (exitCode int, output []byte, err error)
	// RemoveContainer kills the container if it runs and forgets it, its file system included.
	RemoveContainer(ctx context.Context, id string) error
	// RemoveTask removes the task's containers that are left, then all that CreateTask made.
	RemoveTask(ctx context.Context, taskID string) error
	// List tells everything that exists. A sandbox without containers appears as one entry whose ID is empty.
	List(ctx context.Context) ([]ContainerState, error)
	// Events delivers every later change of a container's status until ctx is done; then the channel is closed. A subscriber that
	// subscribes first and lists afterwards misses nothing. Deliveries may repeat. A channel that closes while ctx lives means
	// that events were lost: subscribe and list again.
	Events(ctx context.Context) (<-chan ContainerState, error)
}

// PullRequest names an image as a task definition does: "nginx", "demo/web:latest", "host/repo@sha256:…". Credentials are empty
// for an anonymous pull.
type PullRequest struct {
	Ref                string
	Username, Password string
	NetNS              string // path of the namespace whose way to the registry is taken; empty: the host's
}

// Image is a present image.
type Image struct {
	Ref        string
	Digest     string // of the manifest for this platform or of the index, as the registry answered: "sha256:…"
	StopSignal string // the image's STOPSIGNAL, empty for SIGTERM
}

// Sandbox is what the containers of one task share.
type Sandbox struct {
	TaskID       string
	NetNS        string // path of the task's network namespace; empty: its own, with loopback only
	CPUUnits     int    // 1024 = 1 vCPU; 0 = no limit
	MemoryMiB    int    // hard limit of the whole task; 0 = no limit
	Hostname     string
	DNS          []string // nameservers of /etc/resolv.conf
	Volumes      []string // names of task-scoped volumes, empty directories at first
	EphemeralGiB int      // size of the task's storage, told for information; 0 = default
	SharedPID    bool     // one pid namespace for all containers
	Labels       map[string]string
}

// ContainerSpec is one container to create. Nothing in it refers to a task definition: defaults have been applied, substitutions
// made.
type ContainerSpec struct {
	ID     string // unique on the machine: [a-z0-9-], at most 76 characters
	TaskID string // of the Sandbox it belongs to
	Name   string // as in the task definition
	Image  string // a ref that Pull has made present

	Entrypoint []string // nil: the image's; when set, the image's command is dropped as well
	Command    []string // nil: the image's
	Env        []string // "K=V", added to the image's
	User       string   // user[:group], names or numbers; empty: the image's
	WorkingDir string   // empty: the image's

	ReadonlyRoot bool
	Privileged   bool
	Init         bool // a tiny init reaps and forwards signals
	PseudoTTY    bool
	Interactive  bool // keep stdin open

	CPUUnits             int // share inside the task; 0 = the least
	MemoryMiB            int // hard limit; 0 = only the task's
	MemoryReservationMiB int // soft limit; 0 = none

	Ulimits    []Ulimit
	Tmpfs      []Tmpfs
	Mounts     []Mount
	CapAdd     []string // "NET_ADMIN", "ALL"
	CapDrop    []string
	Hosts      []HostEntry // further lines of /etc/hosts
	Sysctls    map[string]string
	ShmSizeMiB int // 0 = 64
	Log        LogSpec
	Labels     map[string]string
}

// Ulimit is one resource limit; -1 is unlimited. Engines clamp to what the machine allows.
type Ulimit struct {
	Name       string // "nofile", …
	Soft, Hard int64
}

// Tmpfs is an in-memory mount.
type Tmpfs struct {
	Path    string
	SizeMiB int
	Options []string
}

// Mount puts one of the sandbox's volumes into the container. The first container that mounts an empty volume over a path at
// which its image has files finds those files in it, as with Docker.
type Mount struct {
	Volume   string
	Path     string
	ReadOnly bool
}

// HostEntry is one line of /etc/hosts.
type HostEntry struct {
	Name    string
	Address netip.Addr
}

// LogSpec says where the container's output goes. Everything but Driver is for whoever follows the spool, and is delivered by the
// task's rows: the engine itself only writes the spool, or nothing for the driver "none".
type LogSpec struct {
	Driver          string // "awslogs", "none"; empty: spool only
	Account, Region string `json:",omitempty"`
	Group           string `json:",omitempty"` // awslogs-group
	Stream          string `json:",omitempty"` // awslogs-stream-prefix/container name/task id
	CreateGroup     bool   `json:",omitempty"` // awslogs-create-group
	MultilineStart  string `json:",omitempty"` // regular expression of a first line, from awslogs-datetime-format or awslogs-multiline-pattern
}

// ExecSpec is one further process.
type ExecSpec struct {
	Command    []string
	Env        []string // added to the container's
	User       string   // empty: the container's
	WorkingDir string
	MaxOutput  int // bytes of combined output kept, 0 = 4096; the rest is read and dropped
}

// Status is an engine's view of one container.
type Status string

const (
	StatusCreated Status = "created"
	StatusRunning Status = "running"
	StatusStopped Status = "stopped"
)

// ContainerState is one container as it is.
type ContainerState struct {
	ID, TaskID, Name string
	Status           Status
	ExitCode         int // of a stopped container; 128+n after signal n
	OOMKilled        bool
	StartedAt        time.Time
	FinishedAt       time.Time
	Pid              int    // while running
	StopSignal       string // the image's STOPSIGNAL, empty for SIGTERM
	Err              string // why it could not be run, for a container that stopped without having run
}

// ErrNotRunning is Exec's answer for a container that does not run.
var ErrNotRunning = errors.New("container is not running")

// PullError is an image that cannot be had. Reason is the text behind "CannotPullContainerError: " in the stopped reason.
type PullError struct {
	Ref    string
	Reason string
	// Kind replaces "CannotPullContainerError" where AWS uses another name ("ResourceInitializationError",
	// "CannotPullImageManifestError"); usually empty.
	Kind string
	// Retry says that another attempt may succeed (a timeout, a 5xx), which the lifecycle then makes a few times.
	Retry bool
	Err   error
}

func (e *PullError) Error() string { return fmt.Sprintf("pull %s: %s", e.Ref, e.Reason) }
func (e *PullError) Unwrap() error { return e.Err }

// StartError is a container that cannot be created or started for a reason in its definition (no such executable, no such user).
// Reason is the text behind "CannotStartContainerError: ".
type StartError struct {
	Container string
	Reason    string
	Kind      string // empty for "CannotStartContainerError"; "CannotCreateContainerError", …
	Err       error
}

func (e *StartError) Error() string { return fmt.Sprintf("container %s: %s", e.Container, e.Reason) }
func (e *StartError) Unwrap() error { return e.Err }
