package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// model is an API model, trimmed or not: the part of botocore's service-2.json that matters to a server.
type model struct {
	Metadata   metadata                   `json:"metadata"`
	Routes     []route                    `json:"routes,omitempty"` // all operations of the API, kept or not
	Operations map[string]*operation      `json:"operations"`
	Paginators map[string]json.RawMessage `json:"paginators,omitempty"`
	Shapes     map[string]*shape          `json:"shapes"`
}

type metadata struct {
	APIVersion         string          `json:"apiVersion"`
	AWSQueryCompatible json.RawMessage `json:"awsQueryCompatible,omitempty"`
	EndpointPrefix     string          `json:"endpointPrefix"`
	GlobalEndpoint     string          `json:"globalEndpoint,omitempty"`
	JSONVersion        string          `json:"jsonVersion,omitempty"`
	Protocol           string          `json:"protocol"`
	Protocols          []string        `json:"protocols,omitempty"`
	ServiceFullName    string          `json:"serviceFullName"`
	ServiceID          string          `json:"serviceId"`
	SigningName        string          `json:"signingName,omitempty"`
	TargetPrefix       string          `json:"targetPrefix,omitempty"`
	XMLNamespace       json.RawMessage `json:"xmlNamespace,omitempty"`
}

type route struct {
	Name    string   `json:"name"`
	Method  string   `json:"method,omitempty"`
	Path    string   `json:"path,omitempty"`
	Query   []string `json:"query,omitempty"`   // what a request must have, where several operations share method and path
	Headers []string `json:"headers,omitempty"` // likewise
}

type operation struct {
	Name     string   `json:"name"`
	HTTP     httpInfo `json:"http"`
	Input    *ref     `json:"input,omitempty"`
	Output   *ref     `json:"output,omitempty"`
	Errors   []*ref   `json:"errors,omitempty"`
	AuthType string   `json:"authtype,omitempty"`
	Auth     []string `json:"auth,omitempty"`
}

type httpInfo struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode,omitempty"`
}

// ref is a reference to a shape, with the traits that apply there.
type ref struct {
	Shape            string   `json:"shape"`
	Location         string   `json:"location,omitempty"`
	LocationName     string   `json:"locationName,omitempty"`
	QueryName        string   `json:"queryName,omitempty"`
	ResultWrapper    string   `json:"resultWrapper,omitempty"`
	TimestampFormat  string   `json:"timestampFormat,omitempty"`
	XMLNamespace     *xmlName `json:"xmlNamespace,omitempty"`
	XMLAttribute     bool     `json:"xmlAttribute,omitempty"`
	Flattened        bool     `json:"flattened,omitempty"`
	IdempotencyToken bool     `json:"idempotencyToken,omitempty"`
	Streaming        bool     `json:"streaming,omitempty"`
	JSONValue        bool     `json:"jsonvalue,omitempty"`
	EventPayload     bool     `json:"eventpayload,omitempty"`
	EventHeader      bool     `json:"eventheader,omitempty"`
}

type xmlName struct {
	URI    string `json:"uri,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// UnmarshalJSON reads both forms in use: an object, or the bare URI.
func (x *xmlName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &x.URI)
	}
	type plain xmlName
	return json.Unmarshal(b, (*plain)(x))
}

type shape struct {
	Type            string       `json:"type"`
	Required        []string     `json:"required,omitempty"`
	Members         members      `json:"members,omitempty"`
	Member          *ref         `json:"member,omitempty"`
	Key             *ref         `json:"key,omitempty"`
	Value           *ref         `json:"value,omitempty"`
	Enum            []string     `json:"enum,omitempty"`
	Min             *json.Number `json:"min,omitempty"`
	Max             *json.Number `json:"max,omitempty"`
	Pattern         string       `json:"pattern,omitempty"`
	Payload         string       `json:"payload,omitempty"`
	Location        string       `json:"location,omitempty"`
	LocationName    string       `json:"locationName,omitempty"`
	TimestampFormat string       `json:"timestampFormat,omitempty"`
	XMLNamespace    *xmlName     `json:"xmlNamespace,omitempty"`
	Flattened       bool         `json:"flattened,omitempty"`
	Sensitive       bool         `json:"sensitive,omitempty"`
	Streaming       bool         `json:"streaming,omitempty"`
	Document        bool         `json:"document,omitempty"`
	Union           bool         `json:"union,omitempty"`
	Exception       bool         `json:"exception,omitempty"`
	Fault           bool         `json:"fault,omitempty"`
	Error           *errorTrait  `json:"error,omitempty"`
	EventStream     bool         `json:"eventstream,omitempty"`
	Event           bool         `json:"event,omitempty"`
}

type errorTrait struct {
	Code           string `json:"code,omitempty"`
	HTTPStatusCode int    `json:"httpStatusCode,omitempty"`
	SenderFault    bool   `json:"senderFault,omitempty"`
	Fault          bool   `json:"fault,omitempty"`
}

// members keeps the model's order, which JSON objects as Go maps would lose.
type members []member

type member struct {
	Name string
	ref
}

func (m *members) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		x := member{Name: name.(string)}
		if err := d.Decode(&x.ref); err != nil {
			return err
		}
		*m = append(*m, x)
	}
	return nil
}

func (m members) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, x := range m {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		r, err := json.Marshal(x.ref)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), r...)
	}
	return append(b, '}'), nil
}

func readModel(path string) (*model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseModel(path, b)
}

func parseModel(name string, b []byte) (*model, error) {
	m := &model{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// isREST reports whether operations are told apart by method and path.
func (m *model) isREST() bool {
	for _, p := range m.protocols() {
		if p == "rest-json" || p == "rest-xml" {
			return true
		}
	}
	return false
}

func (m *model) protocols() []string {
	if len(m.Metadata.Protocols) > 0 {
		return m.Metadata.Protocols
	}
	return []string{m.Metadata.Protocol}
}
