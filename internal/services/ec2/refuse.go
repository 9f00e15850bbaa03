package ec2

import "github.com/neargate/neargate/internal/aws/awserr"

// field is a parameter that EC2 acts on and Neargate does not.
type field struct {
	name string
	set  bool
}

// has is a field that is set to anything but its zero value, which asks for nothing.
func has[T comparable](name string, p *T) field {
	var zero T
	return field{name, p != nil && *p != zero}
}

// some is a list that is not empty.
func some[T any](name string, list []T) field { return field{name, len(list) > 0} }

// given is a structure that is there.
func given[T any](name string, p *T) field { return field{name, p != nil} }

// refuse names the first field that is set.
func refuse(operation string, fields ...field) error {
	for _, f := range fields {
		if f.set {
			return awserr.NotImplemented("ec2 " + operation + " " + f.name)
		}
	}
	return nil
}
