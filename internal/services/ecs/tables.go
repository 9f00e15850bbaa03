package ecs

import (
	"fmt"
	"time"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/state"
)

// Tables are the rows that are the front's own.
type Tables struct {
	Clusters    *state.Table[Cluster]        // by ARN
	Definitions *state.Table[TaskDefinition] // by scope, family and revision
	Families    *state.Table[Family]         // by scope and name
	Settings    *state.Table[Setting]        // by scope, name and principal
}

// NewTables adds the tables to a schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Clusters: state.AddTable(s, "ecs.cluster", func(r *Cluster) string { return r.ARN },
			state.Index("scope", func(r *Cluster) []string { return []string{r.Scope.key()} })),
		Definitions: state.AddTable(s, "ecs.taskdefinition", func(r *TaskDefinition) string { return r.Scope.definitionKey(r.Family, r.Revision) }),
		Families:    state.AddTable(s, "ecs.family", func(r *Family) string { return r.Scope.familyKey(r.Name) }),
		Settings:    state.AddTable(s, "ecs.setting", func(r *Setting) string { return r.Scope.settingKey(r.Name, r.Principal) }),
	}
}

// Scope is the account and region a row belongs to.
type Scope struct{ Account, Region string }

func (s Scope) key() string { return s.Account + "/" + s.Region + "/" }

// The exclamation mark sorts before every character a family may have, so that keys sort as families do.
func (s Scope) familyKey(name string) string { return s.key() + name + "!" }

func (s Scope) definitionKey(family string, revision int) string {
	return fmt.Sprintf("%s%09d", s.familyKey(family), revision)
}

func (s Scope) settingKey(name, principal string) string { return s.key() + name + "!" + principal }

// Cluster is a row: what the user gave, and nothing that can be counted.
type Cluster struct {
	Scope         Scope
	ARN           string
	Name          string
	Status        string // ACTIVE, INACTIVE
	Settings      []ecsapi.ClusterSetting
	Configuration *ecsapi.ClusterConfiguration
	Providers     []string
	Strategy      []ecsapi.CapacityProviderStrategyItem
	Tags          []ecsapi.Tag
	DeletedAt     time.Time
}

// TaskDefinition is a revision of a family, in the shape it is described in.
type TaskDefinition struct {
	Scope    Scope
	Family   string
	Revision int
	Shape    ecsapi.TaskDefinition
	Tags     []ecsapi.Tag
}

// Family counts a family's revisions.
type Family struct {
	Scope  Scope
	Name   string
	Last   int // number of the newest revision, deleted ones included
	Active int // number of the newest ACTIVE revision, 0 if none is
}

// Setting is an account setting; without principal it is the account's default.
type Setting struct {
	Scope     Scope
	Name      string
	Principal string
	Value     string
}
