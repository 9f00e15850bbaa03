package task

import "github.com/neargate/neargate/internal/state"

// Tables are the rows of this package.
type Tables struct {
	Tasks       *state.Table[Task]       // by ARN
	Definitions *state.Table[Definition] // by ARN, those some task was run from
}

// Names of the indexes of Tables.Tasks.
const (
	ByCluster    = "cluster"    // ClusterARN
	ByService    = "service"    // ServiceARN
	ByDeployment = "deployment" // ServiceARN + "|" + DeploymentID
	ByGroup      = "group"      // ClusterARN + "|" + Group
	ByDefinition = "definition" // DefinitionARN
	ByInterface  = "interface"  // Attachment.InterfaceID
	ByStatus     = "status"     // Status, but for RUNNING, which would index nearly everything
)

// NewTables adds the tables to a schema.
func NewTables(s *state.Schema) *Tables {
	one := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	return &Tables{
		Tasks: state.AddTable(s, "task.task", func(t *Task) string { return t.ARN },
			state.Index(ByCluster, func(t *Task) []string { return one(t.ClusterARN) }),
			state.Index(ByService, func(t *Task) []string { return one(t.ServiceARN) }),
			state.Index(ByDeployment, func(t *Task) []string {
				if t.DeploymentID == "" {
					return nil
				}
				return []string{t.ServiceARN + "|" + t.DeploymentID}
			}),
			state.Index(ByGroup, func(t *Task) []string { return []string{t.ClusterARN + "|" + t.Group} }),
			state.Index(ByDefinition, func(t *Task) []string { return one(t.DefinitionARN) }),
			state.Index(ByInterface, func(t *Task) []string { return one(t.Attachment.InterfaceID) }),
			state.Index(ByStatus, func(t *Task) []string {
				if t.Status == Running {
					return nil
				}
				return []string{string(t.Status)}
			}),
		),
		Definitions: state.AddTable(s, "task.definition", func(d *Definition) string { return d.ARN }),
	}
}

// Definition is what the task was made from, its overrides applied.
func (ts *Tables) Definition(tx *state.Tx, t *Task) (*Definition, bool) {
	d, ok := ts.Definitions.Get(tx, t.DefinitionARN)
	if !ok {
		return nil, false
	}
	return d.with(t.Overrides), true
}
