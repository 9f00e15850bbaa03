package task

// cyclic tells whether the dependencies lead back to where they started.
func cyclic(d *Definition) bool {
	const (
		entered = iota + 1
		left
	)
	marks := map[string]int{}
	var walk func(name string) bool
	walk = func(name string) bool {
		switch marks[name] {
		case entered:
			return true
		case left:
			return false
		}
		marks[name] = entered
		if c, ok := d.container(name); ok {
			for _, dep := range c.dependencies() {
				if walk(dep.Container) {
					return true
				}
			}
		}
		marks[name] = left
		return false
	}
	for i := range d.Containers {
		if walk(d.Containers[i].Name) {
			return true
		}
	}
	return false
}

// dependencies are the ones written down and those volumesFrom implies: the source has to exist first.
func (c *ContainerDefinition) dependencies() []Dependency {
	if len(c.VolumesFrom) == 0 {
		return c.DependsOn
	}
	deps := append([]Dependency(nil), c.DependsOn...)
	for _, v := range c.VolumesFrom {
		deps = append(deps, Dependency{Container: v.Container, Condition: conditionCreate})
	}
	return deps
}

// conditionCreate is met once the other container was started, whatever became of it since.
const conditionCreate Condition = "CREATE"

// met is the state of one dependency.
type met int

const (
	waiting met = iota
	satisfied
	hopeless // it can no longer be met
)

// meets tells how far container c, defined by d, is from the condition somebody else waits for.
func meets(c *Container, condition Condition) met {
	started, stopped := c.Status != Pending, c.Status == Stopped
	ran := stopped && !c.StartedAt.IsZero()
	switch condition {
	case conditionCreate, ConditionStart:
		switch {
		case stopped && !ran:
			return hopeless
		case started:
			return satisfied
		}
	case ConditionComplete:
		switch {
		case stopped && !ran:
			return hopeless
		case stopped:
			return satisfied
		}
	case ConditionSuccess:
		switch {
		case stopped && ran && c.ExitCode != nil && *c.ExitCode == 0:
			return satisfied
		case stopped:
			return hopeless
		}
	case ConditionHealthy:
		switch {
		case stopped:
			return hopeless
		case started && c.Health == Healthy:
			return satisfied
		}
	}
	return waiting
}
