package task

// Definition is a task definition revision as the engine understands it. It is immutable. The front translates what it registered
// into one and calls Check before it accepts it; whoever runs tasks hands it to Run, which keeps it for as long as tasks need it.
//
// Zero means "not given" throughout; durations are whole seconds as in the API.
type Definition struct {
	ARN      string
	Family   string
	Revision int

	Compatibilities []string // requiresCompatibilities
	NetworkMode     string
	CPU             int // units, ParseCPU
	Memory          int // MiB, ParseMemory
	EphemeralGiB    int
	PIDMode         string
	IPCMode         string
	OS              string // runtimePlatform.operatingSystemFamily
	Architecture    string // runtimePlatform.cpuArchitecture
	TaskRoleARN     string
	ExecutionRole   string
	FaultInjection  bool

	Containers []ContainerDefinition
	Volumes    []Volume

	PlacementConstraints  bool // any given
	ProxyConfiguration    bool // given
	InferenceAccelerators bool // any given
}

// ContainerDefinition is one container of a Definition.
type ContainerDefinition struct {
	Name  string
	Image string

	CPU               int
	Memory            int // MiB
	MemoryReservation int // MiB
	Essential         bool

	EntryPoint       []string
	Command          []string
	Environment      []KeyValue
	User             string
	WorkingDirectory string
	Hostname         string

	Ports          []PortMapping
	DependsOn      []Dependency
	StartTimeout   int
	StopTimeout    int
	HealthCheck    *HealthCheck
	RestartPolicy  *RestartPolicy
	Log            *LogConfiguration
	Linux          *LinuxParameters
	Ulimits        []Ulimit
	SystemControls []KeyValue
	MountPoints    []MountPoint
	VolumesFrom    []VolumeFrom

	ReadonlyRoot   bool
	Privileged     bool
	Interactive    bool
	PseudoTerminal bool
	DockerLabels   map[string]string

	VersionConsistency string // enabled (also when empty) | disabled

	// What this platform or Fargate refuses, kept so that Check can name it.
	RepositoryCredentials bool
	Links                 []string
	EnvironmentFiles      []string
	Secrets               []KeyValue // name, valueFrom
	DisableNetworking     bool
	DNSServers            []string
	DNSSearchDomains      []string
	ExtraHosts            []KeyValue // hostname, address
	DockerSecurityOptions []string
	ResourceRequirements  []KeyValue // type, value
	Firelens              bool
	CredentialSpecs       []string
}

// KeyValue is a name and its value, in the order the user gave them.
type KeyValue struct{ Name, Value string }

// PortMapping is a port the container listens on.
type PortMapping struct {
	Name          string
	ContainerPort int
	HostPort      int
	Range         string // containerPortRange
	Protocol      string // tcp (also when empty) | udp
	AppProtocol   string
}

// Dependency makes a container wait for another.
type Dependency struct {
	Container string
	Condition Condition
}

// Condition is what a Dependency waits for.
type Condition string

const (
	ConditionStart    Condition = "START"
	ConditionComplete Condition = "COMPLETE"
	ConditionSuccess  Condition = "SUCCESS"
	ConditionHealthy  Condition = "HEALTHY"
)

// HealthCheck is a command run inside the container; exit status 0 is healthy.
type HealthCheck struct {
	Command     []string // CMD, arguments… | CMD-SHELL, line
	Interval    int      // default 30
	Timeout     int      // default 5
	Retries     int      // default 3
	StartPeriod int      // failures within it do not count; default 0
}

// enabled tells whether there is something to run.
func (h *HealthCheck) enabled() bool { return h != nil && h.Command[0] != "NONE" }

// RestartPolicy restarts a container in its place.
type RestartPolicy struct {
	Enabled          bool
	IgnoredExitCodes []int
	AttemptPeriod    int // the container must have run that long; default 300
}

// LogConfiguration is where the container's output goes.
type LogConfiguration struct {
	Driver        string
	Options       map[string]string
	SecretOptions []KeyValue
}

// LinuxParameters is the kernel's side of a container.
type LinuxParameters struct {
	CapAdd, CapDrop []string
	Devices         []string // host paths
	Init            bool
	SharedMemoryMiB int
	Tmpfs           []Tmpfs
	MaxSwap         *int
	Swappiness      *int
}

// MountPoint puts a volume of the definition into the container.
type MountPoint struct {
	SourceVolume string
	Path         string
	ReadOnly     bool
}

// VolumeFrom mounts everything another container mounts.
type VolumeFrom struct {
	Container string
	ReadOnly  bool
}

// Volume is a storage of the task. Only the empty directory that lives as long as the task does is acted on.
type Volume struct {
	Name string
	Kind VolumeKind
}

// VolumeKind says what a Volume is backed by.
type VolumeKind string

const (
	VolumeTask     VolumeKind = ""         // an empty directory, gone with the task
	VolumeHost     VolumeKind = "host"     // host.sourcePath
	VolumeDocker   VolumeKind = "docker"   // dockerVolumeConfiguration
	VolumeEFS      VolumeKind = "efs"      // efsVolumeConfiguration
	VolumeFSx      VolumeKind = "fsx"      // fsxWindowsFileServerVolumeConfiguration
	VolumeS3Files  VolumeKind = "s3files"  // s3filesVolumeConfiguration
	VolumeAtLaunch VolumeKind = "atLaunch" // configuredAtLaunch
)

// Overrides is what RunTask may change for one task.
type Overrides struct {
	CPU           int                 `json:",omitempty"`
	Memory        int                 `json:",omitempty"`
	EphemeralGiB  int                 `json:",omitempty"`
	TaskRoleARN   string              `json:",omitempty"`
	ExecutionRole string              `json:",omitempty"`
	Containers    []ContainerOverride `json:",omitempty"`

	InferenceAccelerators bool `json:",omitempty"` // any given: refused
}

// ContainerOverride changes one container for one task.
type ContainerOverride struct {
	Name              string
	Command           []string   `json:",omitempty"` // nil: the definition's
	Environment       []KeyValue `json:",omitempty"` // added to, or replacing, the definition's
	CPU               int        `json:",omitempty"`
	Memory            int        `json:",omitempty"`
	MemoryReservation int        `json:",omitempty"`

	EnvironmentFiles     []string   `json:",omitempty"`
	ResourceRequirements []KeyValue `json:",omitempty"`
}

// container returns the container definition of that name.
func (d *Definition) container(name string) (*ContainerDefinition, bool) {
	for i := range d.Containers {
		if d.Containers[i].Name == name {
			return &d.Containers[i], true
		}
	}
	return nil, false
}
