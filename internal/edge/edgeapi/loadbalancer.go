package edgeapi

import "time"

// Listener protocols.
const (
	ProtocolHTTP   = "HTTP"
	ProtocolHTTPS  = "HTTPS"
	ProtocolTCP    = "TCP"
	ProtocolTLS    = "TLS"
	ProtocolUDP    = "UDP"
	ProtocolTCPUDP = "TCP_UDP"
)

// Types of load balancers.
const (
	TypeApplication = "application"
	TypeNetwork     = "network"
)

// LoadBalancer is one Application or Network Load Balancer.
type LoadBalancer struct {
	ARN        string     `json:"arn"`
	Name       string     `json:"name"`
	DNSName    string     `json:"dnsName"`
	Type       string     `json:"type"`   // application or network
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
	HTTP2                  bool          `json:"http2,omitempty"`                  // routing.http2.enabled
	TLSHeaders             bool          `json:"tlsHeaders,omitempty"`             // routing.http.x_amzn_tls_version_and_cipher_suite.enabled
	CrossZone              bool          `json:"crossZone,omitempty"`              // load_balancing.cross_zone.enabled; always on for application
	AccessLog              bool          `json:"accessLog,omitempty"`              // access_logs.s3.enabled
	ConnectionLog          bool          `json:"connectionLog,omitempty"`          // connection_logs.s3.enabled
}

// DefaultAttributes are what AWS gives a load balancer whose creator said nothing.
func DefaultAttributes() Attributes {
	return Attributes{
		IdleTimeout:     60 * time.Second,
		ClientKeepAlive: time.Hour,
		ForwardedFor:    ForwardedForAppend,
		Desync:          DesyncDefensive,
		HTTP2:           true,
		CrossZone:       true,
	}
}

// Listener is one port of a load balancer. Rules are in order of evaluation; the last one is the default rule, without
// conditions. Network listeners have the default rule alone, and it forwards.
type Listener struct {
	ARN        string             `json:"arn"`
	Port       int                `json:"port"`
	Protocol   string             `json:"protocol"`
	TLS        *TLS               `json:"tls,omitempty"` // of protocols HTTPS and TLS
	Attributes ListenerAttributes `json:"attributes"`
	Rules      []Rule             `json:"rules"`
}

// TLS is how a listener terminates TLS.
type TLS struct {
	Policy       string      `json:"policy"`       // name of an ELBSecurityPolicy
	Certificates []string    `json:"certificates"` // ARNs of certificates of the snapshot, the default one first
	ALPN         string      `json:"alpn,omitempty"`
	Mutual       *MutualAuth `json:"mutual,omitempty"`
}

// Policies of ALPN on TLS listeners of Network Load Balancers ("ALPN policies").
const (
	ALPNNone           = "None"
	ALPNHTTP1Only      = "HTTP1Only"
	ALPNHTTP2Only      = "HTTP2Only"
	ALPNHTTP2Optional  = "HTTP2Optional"
	ALPNHTTP2Preferred = "HTTP2Preferred"
)

// Modes of mutual TLS authentication; a listener without it has none.
const (
	MutualVerify      = "verify"
	MutualPassthrough = "passthrough"
)

// MutualAuth is what a listener asks of client certificates ("Mutual authentication with TLS").
type MutualAuth struct {
	Mode         string `json:"mode"`
	TrustStore   string `json:"trustStore,omitempty"`   // ARN of a trust store of the snapshot, of mode verify
	IgnoreExpiry bool   `json:"ignoreExpiry,omitempty"` // accept expired client certificates
	AdvertiseCAs bool   `json:"advertiseCAs,omitempty"` // send the trust store's subject names in the certificate request
}

// Certificate is a certificate listeners present.
type Certificate struct {
	ARN   string `json:"arn"`
	Chain string `json:"chain"` // PEM, the leaf first
	Key   string `json:"key"`   // PEM, PKCS #8 or the older forms
}

// TrustStore is what client certificates are verified against.
type TrustStore struct {
	ARN         string   `json:"arn"`
	Bundle      string   `json:"bundle"`                // PEM
	Revocations []string `json:"revocations,omitempty"` // certificate revocation lists, PEM
}

// ListenerAttributes are the listener attributes the data plane acts on.
type ListenerAttributes struct {
	// ServerHeaderOff removes "Server: awselb/2.0" from answers the load balancer makes itself
	// (routing.http.response.server.enabled = false).
	ServerHeaderOff bool `json:"serverHeaderOff,omitempty"`
	// ResponseHeaders are set on every answer (routing.http.response.<name>.header_value), replacing the target's.
	ResponseHeaders []Header `json:"responseHeaders,omitempty"`
	// RequestHeaders give the names that the load balancer's own request fields go by instead: X-Amzn-Mtls-Clientcert,
	// X-Amzn-Tls-Version and so on (routing.http.request.<name>.header_name). Name is the usual name, Value the other.
	RequestHeaders []Header `json:"requestHeaders,omitempty"`
	// TCPIdle is how long a flow of a TCP listener may be silent (tcp.idle_timeout.seconds); 0 means 350 s.
	TCPIdle time.Duration `json:"tcpIdle,omitempty"`
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
	Transforms []Transform `json:"transforms,omitempty"`
	Action     Action      `json:"action"`
}

// Types of rule transforms.
const (
	RewriteHost = "host-header-rewrite"
	RewriteURL  = "url-rewrite"
)

// Transform rewrites a request that a rule forwards ("Transforms for listener rules"). The first match of Regex is replaced.
type Transform struct {
	Type    string `json:"type"`
	Regex   string `json:"regex"`
	Replace string `json:"replace"` // $1 to $9 stand for the regex's groups
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
	Regex  []string     `json:"regex,omitempty"`  // instead of Values: of host-header, path-pattern and http-header
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
	Groups     []WeightedGroup `json:"groups"`
	Stickiness time.Duration   `json:"stickiness,omitempty"` // of a client to a group, by cookie AWSALBTG; 0: none
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
