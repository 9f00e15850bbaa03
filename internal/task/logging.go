package task

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// awslogsOptions are the awslogs driver's options. mode and max-buffer-size decide whether a container waits or loses output while
// CloudWatch cannot be reached; here output goes to a file, so that neither happens.
// AWS: "Example Amazon ECS task definition: Route logs to CloudWatch".
var awslogsOptions = []string{
	"awslogs-create-group", "awslogs-region", "awslogs-group", "awslogs-stream-prefix", "awslogs-datetime-format",
	"awslogs-multiline-pattern", "mode", "max-buffer-size",
}

var bufferSize = regexp.MustCompile(`^[1-9][0-9]*[kmgKMG]?[bB]?$`)

func (l *LogConfiguration) checkFargate(d *Definition) error {
	if l == nil {
		return nil
	}
	if !slices.Contains([]string{"awslogs", "splunk", "awsfirelens"}, l.Driver) {
		return errClient.New("%s is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]", l.Driver)
	}
	if l.Driver != "awslogs" {
		return nil
	}
	var missing []string
	for _, option := range []string{"awslogs-region", "awslogs-group", "awslogs-stream-prefix"} {
		if l.Options[option] == "" {
			missing = append(missing, option)
		}
	}
	if len(missing) > 0 {
		return errClient.New("Log driver awslogs requires options: %s", strings.Join(missing, ", "))
	}
	if d.ExecutionRole == "" {
		return errClient.New("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
	}
	return nil
}

// checkBuilt refuses drivers and options that nothing acts on.
func (l *LogConfiguration) checkBuilt() error {
	if l == nil {
		return nil
	}
	if l.Driver != "awslogs" {
		if slices.Contains([]string{"splunk", "awsfirelens"}, l.Driver) {
			return awserr.NotImplemented("logConfiguration.logDriver " + l.Driver)
		}
		return nil // EC2 only; it never runs here
	}
	if len(l.SecretOptions) > 0 {
		return awserr.NotImplemented("logConfiguration.secretOptions")
	}
	for _, option := range slices.Sorted(maps.Keys(l.Options)) {
		if !slices.Contains(awslogsOptions, option) {
			return errClient.New("Log driver awslogs disallows options: %s", option)
		}
	}
	if _, err := multilineStart(l.Options); err != nil {
		return errClient.New("Invalid awslogs multiline option: %s", err)
	}
	if s := l.Options["max-buffer-size"]; s != "" && !bufferSize.MatchString(s) {
		return errClient.New("Invalid value for log option max-buffer-size: %s", s)
	}
	return nil
}

// spec is where the output of one container of task t goes.
func (l *LogConfiguration) spec(t *Task, container string) LogSpec {
	if l == nil || l.Driver != "awslogs" {
		return LogSpec{}
	}
	start, _ := multilineStart(l.Options) // checked at registration
	region := l.Options["awslogs-region"]
	if region == "" {
		region = t.Region
	}
	stream := t.ID
	if prefix := l.Options["awslogs-stream-prefix"]; prefix != "" {
		stream = prefix + "/" + container + "/" + t.ID
	}
	return LogSpec{
		Driver: l.Driver, Account: t.Account, Region: region,
		Group: l.Options["awslogs-group"], Stream: stream,
		CreateGroup:    l.Options["awslogs-create-group"] == "true",
		MultilineStart: start,
	}
}

// multilineStart is the pattern of an event's first line, "" when every line is an event.
func multilineStart(options map[string]string) (string, error) {
	pattern := options["awslogs-multiline-pattern"]
	if format := options["awslogs-datetime-format"]; format != "" {
		pattern = datetimePattern(format)
	}
	_, err := regexp.Compile(pattern)
	return pattern, err
}

// datetime maps strftime conversions to patterns.
// AWS: "awslogs-datetime-format" of the awslogs log driver.
var datetime = map[byte]string{
	'a': `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`, 'A': `(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)`,
	'w': `[0-6]`, 'd': `[0-3][0-9]`, 'b': `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`,
	'B': `(?:January|February|March|April|May|June|July|August|September|October|November|December)`,
	'm': `(?:0?[1-9]|1[0-2])`, 'Y': `[0-9]{4}`, 'y': `[0-9]{2}`, 'H': `[0-2][0-9]`, 'I': `[0-1][0-9]`, 'p': `[AP]M`,
	'M': `[0-5][0-9]`, 'S': `[0-6][0-9]`, 'L': `\.[0-9]{3}`, 'f': `[0-9]{6}`, 'z': `[+-][0-9]{4}`, 'Z': `[A-Z]{1,4}T?`,
	'j': `[0-3][0-9]{2}`,
}

func datetimePattern(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			i++
			if p, ok := datetime[format[i]]; ok {
				b.WriteString(p)
				continue
			}
		}
		b.WriteString(regexp.QuoteMeta(format[i : i+1]))
	}
	return b.String()
}
