package edgeapi

import "time"

// Listener protocols.
const (
	ProtocolHTTP  = "HTTP"
	ProtocolHTTPS = "HTTPS"
)

// LoadBalancer is one Application Load Balancer.
type LoadBalancer struct {
	ARN        string     `json:"arn"`
	Name       string     `json:"name"`
	DNSName    string     `json:"dnsName"`
	Type       string     `json:"type"`   // application
	Scheme     string     `json:"scheme"` // internet-facing or internal
	Attributes Attributes `json:"attributes"`
	Listeners  []Listener `json:"listeners,omitempty"`
}

// How X-Forwarded-For is treated (routing.http.xff_header_processing.mode).
const (
	ForwardedForAppend   = "append"
	ForwardedForPreserve = "preserve"
	ForwardedForRemove   = "remove"
)

// What happens to requests that are not RFC 9112 (routing.http.desync_mitigation_mode).
const (
	DesyncDefensive = "defensive"
	DesyncStrictest = "strictest"
	DesyncMonitor   = "monitor"
)

// Attributes are the load balancer attributes the data plane acts on, named after
// "Application Load Balancers: load balancer attributes".
type Attributes struct {
	IdleTimeout            time.Duration `json:"idleTimeout"`                      // idle_timeout.timeout_seconds
	ClientKeepAlive        time.Duration `json:"clientKeepAlive"`                  // client_keep_alive.seconds
	ForwardedFor           string        `json:"forwardedFor"`                     // routing.http.xff_header_processing.mode
	ForwardedForClientPort bool          `json:"forwardedForClientPort,omitempty"` // routing.http.xff_client_port.enabled
	PreserveHost           bool          `json:"preserveHost,omitempty"`           // routing.http.preserve_host_header.enabled
	DropInvalidHeaders     bool          `json:"dropInvalidHeaders,omitempty"`     // routing.http.drop_invalid_header_fields.enabled
	Desync                 string        `json:"desync"`                           // routing.http.desync_mitigation_mode
}

// DefaultAttributes are what AWS gives a load balancer whose creator said nothing.
func DefaultAttributes() Attributes {
	return Attributes{
		IdleTimeout:     60 * time.Second,
		ClientKeepAlive: time.Hour,
		ForwardedFor:    ForwardedForAppend,
		Desync:          DesyncDefensive,
	}
}

// Listener is one port of a load balancer. Rules are in order of evaluation; the last one is the default rule, without
// conditions.
type Listener struct {
	ARN        string             `json:"arn"`
	Port       int                `json:"port"`
	Protocol   string             `json:"protocol"`
	Attributes ListenerAttributes `json:"attributes"`
	Rules      []Rule             `json:"rules"`
}

// ListenerAttributes are the listener attributes the data plane acts on.
type ListenerAttributes struct {
	// ServerHeaderOff removes "Server: awselb/2.0" from answers the load balancer makes itself
	// (routing.http.response.server.enabled = false).
	ServerHeaderOff bool `json:"serverHeaderOff,omitempty"`
	// ResponseHeaders are set on every answer (routing.http.response.<name>.header_value), replacing the target's.
	ResponseHeaders []Header `json:"responseHeaders,omitempty"`
}

// Header is a field of a message head.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Rule is a listener rule: all conditions must hold.
type Rule struct {
	ARN        string      `json:"arn"`
	Priority   int         `json:"priority,omitempty"` // 1–50000; 0 is the default rule
	Conditions []Condition `json:"conditions,omitempty"`
	Action     Action      `json:"action"`
}

// Condition fields, as in the RuleCondition type of the Elastic Load Balancing API.
const (
	FieldHost     = "host-header"
	FieldPath     = "path-pattern"
	FieldHeader   = "http-header"
	FieldMethod   = "http-request-method"
	FieldQuery    = "query-string"
	FieldSourceIP = "source-ip"
)

// Condition holds when any one of its values matches.
type Condition struct {
	Field  string       `json:"field"`
	Header string       `json:"header,omitempty"` // the header's name, of http-header
	Values []string     `json:"values,omitempty"` // all fields but query-string
	Query  []QueryValue `json:"query,omitempty"`  // of query-string
}

// QueryValue matches one parameter of a query string. An empty Key matches the value under any key.
type QueryValue struct {
	Key   string `json:"key,omitempty"`
	Value string `json:"value"`
}

// Action is what a rule does: exactly one field is set.
type Action struct {
	Forward       *Forward       `json:"forward,omitempty"`
	Redirect      *Redirect      `json:"redirect,omitempty"`
	FixedResponse *FixedResponse `json:"fixedResponse,omitempty"`
}

// Forward sends the request to one of the groups, chosen by weight.
type Forward struct {
	Groups []WeightedGroup `json:"groups"`
}

// WeightedGroup is a target group's share of a forward action. Weight is 0–999 and relative to the sum.
type WeightedGroup struct {
	TargetGroup string `json:"targetGroup"` // ARN
	Weight      int    `json:"weight"`
}

// Redirect answers with a Location. Each part may hold #{protocol}, #{host}, #{port}, #{path} and #{query}, which stand for
// the request's own.
type Redirect struct {
	Protocol   string `json:"protocol"` // HTTP, HTTPS or #{protocol}
	Host       string `json:"host"`
	Port       string `json:"port"`
	Path       string `json:"path"`  // begins with /
	Query      string `json:"query"` // without ?
	StatusCode int    `json:"statusCode"`
}

// FixedResponse is answered by the load balancer itself.
type FixedResponse struct {
	StatusCode  int    `json:"statusCode"`
	ContentType string `json:"contentType,omitempty"`
	Body        string `json:"body,omitempty"`
}
