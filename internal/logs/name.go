package logs

import (
	"regexp"

	logsapi "github.com/neargate/neargate/internal/api/logs"
)

// What CreateLogGroup and CreateLogStream ask of names. A container's log driver asks the same API.
var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
)

func checkNames(group, stream string) error {
	switch {
	case !groupName.MatchString(group):
		return badName("logGroupName", group, `[\.\-_/#A-Za-z0-9]+`)
	case !streamName.MatchString(stream):
		return badName("logStreamName", stream, `[^:*]*`)
	}
	return nil
}

func badName(parameter, value, pattern string) error {
	constraint := "Member must satisfy regular expression pattern: " + pattern
	if len(value) > 512 {
		constraint = "Member must have length less than or equal to 512"
	}
	return logsapi.ErrInvalidParameterException.New("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, parameter, constraint)
}
