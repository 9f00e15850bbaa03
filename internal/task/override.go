package task

import (
	"github.com/neargate/neargate/internal/aws/awserr"
)

// check refuses overrides that do not fit the definition. Codes and texts are RunTask's.
func (o *Overrides) check(d *Definition) error {
	if o.InferenceAccelerators {
		return errParameter.New("Inference accelerator overrides are not supported on Fargate.")
	}
	for _, co := range o.Containers {
		if _, ok := d.container(co.Name); !ok {
			return errParameter.New("Override for container named %s is not a container in the TaskDefinition.", co.Name)
		}
		if len(co.EnvironmentFiles) > 0 {
			return awserr.NotImplemented("overrides.containerOverrides[].environmentFiles")
		}
		for _, r := range co.ResourceRequirements {
			return errParameter.New("Tasks using the Fargate launch type do not support %s resource requirements.", r.Name)
		}
	}
	if o.none() {
		return nil
	}
	e := d.with(*o)
	if o.CPU != 0 || o.Memory != 0 {
		if err := checkFargateSize(e.CPU, e.Memory); err != nil {
			return err
		}
	}
	if o.EphemeralGiB != 0 && (o.EphemeralGiB < 21 || o.EphemeralGiB > 200) {
		return errParameter.New("EphemeralStorage size should be between 21 and 200.")
	}
	for i := range e.Containers {
		c := &e.Containers[i]
		switch {
		case c.Memory > e.Memory && e.Memory != 0:
			return errParameter.New("The 'memory' setting for container '%s' is greater than for the task.", c.Name)
		case c.Memory != 0 && c.Memory < c.MemoryReservation:
			return errParameter.New("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", c.Name)
		}
	}
	return nil
}
