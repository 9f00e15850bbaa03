package awserr

import (
	"errors"
	"fmt"
	"testing"
)

func TestIs(t *testing.T) {
	notFound := &Class{Code: "ClusterNotFoundException", Status: 400}
	other := &Class{Code: "ServerException", Status: 500, Server: true}
	err := fmt.Errorf("cluster web: %w", notFound.New("Cluster not found."))
	if !errors.Is(err, notFound) || errors.Is(err, other) {
		t.Errorf("errors.Is(%v): want its own class only", err)
	}
	if !errors.Is(err, New("ClusterNotFoundException", 400, "x")) {
		t.Error("an error of the same code does not match")
	}
	var e *Error
	if !errors.As(err, &e) || e.Message != "Cluster not found." || e.Status != 400 {
		t.Errorf("errors.As gave %+v", e)
	}
}

func TestMessageKeepsPercentWithoutArguments(t *testing.T) {
	if got := New("X", 400, "100% sure").Message; got != "100% sure" {
		t.Errorf("message %q", got)
	}
}

func TestServerByStatus(t *testing.T) {
	if New("X", 400, "").Server || !New("X", 503, "").Server || !NotImplemented("x").Server {
		t.Error("fault does not follow status")
	}
}

// What is missing reads as one sentence, be it one or many or an error that says so.
func TestNotImplemented(t *testing.T) {
	for want, err := range map[string]*Error{
		"Neargate does not implement TargetControlPort yet":                                 NotImplemented("TargetControlPort"),
		"Neargate does not implement load balancers of type gateway yet":                    NotImplemented("load balancers of type gateway"),
		"Neargate does not implement this yet: target group a: slow start is not supported": Unsupported(errors.New("target group a: slow start is not supported")),
	} {
		if err.Message != want || err.Code != "NotImplemented" || err.Status != 501 {
			t.Errorf("%d %s, want %s", err.Status, err, want)
		}
	}
}

func TestWith(t *testing.T) {
	err := (&Class{Code: "ConflictException"}).New("busy").With("resourceIds", []string{"a"})
	if err.Fields["resourceIds"] == nil {
		t.Error("member lost")
	}
	if n, ok := err.With("Size", 5).Fields["Size"].(int64); !ok || n != 5 {
		t.Errorf("an int became %T", err.Fields["Size"])
	}
}
