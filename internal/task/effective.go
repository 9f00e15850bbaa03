package task

import (
	"maps"
	"slices"
)

// With returns the definition as one task sees it. It is d itself when nothing is overridden.
func (d *Definition) With(o Overrides) (*Definition, error) {
	if err := o.check(d); err != nil {
		return nil, err
	}
	return d.with(o), nil
}

func (d *Definition) with(o Overrides) *Definition {
	if o.none() {
		return d
	}
	e := *d
	override(&e.CPU, o.CPU)
	override(&e.Memory, o.Memory)
	override(&e.EphemeralGiB, o.EphemeralGiB)
	override(&e.TaskRoleARN, o.TaskRoleARN)
	override(&e.ExecutionRole, o.ExecutionRole)
	e.Containers = slices.Clone(d.Containers)
	for _, co := range o.Containers {
		c, ok := e.container(co.Name)
		if !ok {
			continue
		}
		override(&c.CPU, co.CPU)
		override(&c.Memory, co.Memory)
		override(&c.MemoryReservation, co.MemoryReservation)
		if len(co.Command) > 0 {
			c.Command = co.Command
		}
		c.Environment = mergeEnvironment(c.Environment, co.Environment)
	}
	return &e
}

func (o *Overrides) none() bool {
	return o.CPU == 0 && o.Memory == 0 && o.EphemeralGiB == 0 && o.TaskRoleARN == "" && o.ExecutionRole == "" && len(o.Containers) == 0
}

func override[T comparable](field *T, value T) {
	var zero T
	if value != zero {
		*field = value
	}
}

func mergeEnvironment(base, over []KeyValue) []KeyValue {
	if len(over) == 0 {
		return base
	}
	out := slices.Clone(base)
	at := map[string]int{}
	for i, kv := range out {
		at[kv.Name] = i
	}
	for _, kv := range over {
		if i, ok := at[kv.Name]; ok {
			out[i] = kv
			continue
		}
		at[kv.Name] = len(out)
		out = append(out, kv)
	}
	return out
}

// mounts are the container's mount points and those it takes from others, the nearest definition of a path winning.
func (d *Definition) mounts(c *ContainerDefinition) []Mount {
	byPath := map[string]Mount{}
	d.collect(c, false, byPath, map[string]bool{})
	paths := slices.Sorted(maps.Keys(byPath)) // parents before what lies in them
	out := make([]Mount, len(paths))
	for i, p := range paths {
		out[i] = byPath[p]
	}
	return out
}

func (d *Definition) collect(c *ContainerDefinition, readOnly bool, byPath map[string]Mount, seen map[string]bool) {
	if seen[c.Name] {
		return
	}
	seen[c.Name] = true
	for _, m := range c.MountPoints {
		if _, ok := byPath[m.Path]; !ok {
			byPath[m.Path] = Mount{Volume: m.SourceVolume, Path: m.Path, ReadOnly: m.ReadOnly || readOnly}
		}
	}
	for _, f := range c.VolumesFrom {
		if from, ok := d.container(f.Container); ok {
			d.collect(from, readOnly || f.ReadOnly, byPath, seen)
		}
	}
}
