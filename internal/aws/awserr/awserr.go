package awserr

import (
	"fmt"
	"net/http"
)

// Class is a kind of error a service's API has. It is an error itself only to be a target of errors.Is.
type Class struct {
	Code   string // what clients see: "ClusterNotFoundException", "LoadBalancerNotFound"
	Shape  string // name in the model where it differs from Code; the JSON-like protocols send this one
	Status int
	Server bool // the service's fault, not the sender's
}

// Error names the class.
func (c *Class) Error() string { return c.Code }

// New makes an error of the class.
func (c *Class) New(format string, args ...any) *Error {
	return &Error{Code: c.Code, Shape: c.Shape, Status: c.Status, Server: c.Server, Message: message(format, args)}
}

// Error is an error as an API client sees it.
type Error struct {
	Code    string
	Shape   string
	Status  int
	Server  bool
	Message string
	Fields  map[string]any // further members of the modeled error, by member name
	Header  http.Header    // further header fields of the response, in REST protocols
}

// New makes an error that no model describes, as EC2's are.
func New(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Server: status >= http.StatusInternalServerError, Message: message(format, args)}
}

// NotImplemented says that a part of an AWS API is not there yet. what names it, one or many ("TargetControlPort", "load balancers of
// type gateway"): the sentence fits both. Its status is 501, which no SDK retries.
func NotImplemented(what string) *Error {
	return New("NotImplemented", http.StatusNotImplemented, "Neargate does not implement %s yet", what)
}

// Unsupported is the same where an error tells what is missing.
func Unsupported(err error) *Error {
	return New("NotImplemented", http.StatusNotImplemented, "Neargate does not implement this yet: %v", err)
}

// With adds a member of the modeled error. An int becomes an int64: the protocols' integers have a size.
func (e *Error) With(member string, value any) *Error {
	if e.Fields == nil {
		e.Fields = map[string]any{}
	}
	if n, ok := value.(int); ok {
		value = int64(n)
	}
	e.Fields[member] = value
	return e
}

// WithHeader adds a header field to the response.
func (e *Error) WithHeader(name, value string) *Error {
	if e.Header == nil {
		e.Header = http.Header{}
	}
	e.Header.Set(name, value)
	return e
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Is matches an error or a class of the same code.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case *Class:
		return t.Code == e.Code
	case *Error:
		return t.Code == e.Code
	}
	return false
}

func message(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
