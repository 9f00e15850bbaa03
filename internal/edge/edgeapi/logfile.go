package edgeapi

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Kinds of log files.
const (
	LogAccess     = "access"
	LogConnection = "connection"
)

// LogExtension ends the names of log files that edge has closed. Whoever delivers them removes them.
const LogExtension = ".log"

// LogFile is a file of access or connection log lines that edge has closed, as its name tells.
type LogFile struct {
	Kind            string
	Account, Region string
	LoadBalancer    string     // app/name/id or net/name/id
	Node            netip.Addr // of the load balancer
	Start           time.Time  // when its first line was written, to the millisecond
	End             time.Time  // of the interval it belongs to, to the second
}

// NewLogFile is a file of a load balancer's node.
func NewLogFile(kind, arn string, node netip.Addr) (LogFile, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "loadbalancer/") || strings.Count(parts[5], "/") != 3 {
		return LogFile{}, fmt.Errorf("load balancer %q: not an ARN", arn)
	}
	return LogFile{
		Kind: kind, Region: parts[3], Account: parts[4], LoadBalancer: strings.TrimPrefix(parts[5], "loadbalancer/"), Node: node,
	}, nil
}

// ARN is the load balancer's, in the partition aws.
func (f LogFile) ARN() string {
	return "arn:aws:elasticloadbalancing:" + f.Region + ":" + f.Account + ":loadbalancer/" + f.LoadBalancer
}

// Name is the file's name without extension.
func (f LogFile) Name() string {
	return strings.Join([]string{
		f.Kind, f.Account, f.Region, strings.ReplaceAll(f.LoadBalancer, "/", "."), f.Node.String(),
		strconv.FormatInt(f.Start.UnixMilli(), 10), strconv.FormatInt(f.End.Unix(), 10),
	}, "_")
}

// ParseLogFile reads a name that Name made.
func ParseLogFile(name string) (LogFile, error) {
	bad := fmt.Errorf("log file %q: not a name of one", name)
	parts := strings.Split(name, "_")
	if len(parts) != 7 || parts[0] != LogAccess && parts[0] != LogConnection || strings.Count(parts[3], ".") != 2 {
		return LogFile{}, bad
	}
	node, err := netip.ParseAddr(parts[4])
	start, startErr := strconv.ParseInt(parts[5], 10, 64)
	end, endErr := strconv.ParseInt(parts[6], 10, 64)
	if err != nil || startErr != nil || endErr != nil {
		return LogFile{}, bad
	}
	return LogFile{
		Kind: parts[0], Account: parts[1], Region: parts[2], LoadBalancer: strings.ReplaceAll(parts[3], ".", "/"), Node: node,
		Start: time.UnixMilli(start).UTC(), End: time.Unix(end, 0).UTC(),
	}, nil
}
