package logs

import (
	"errors"
	"strings"
	"testing"

	logsapi "github.com/neargate/neargate/internal/api/logs"
)

// TestEnsureNames: what the API would not create, a container's log driver doesn't either.
func TestEnsureNames(t *testing.T) {
	w := open(t)
	for _, c := range []struct {
		group, stream string
		ok            bool
	}{
		{"/ecs/web#1", "web/web/0123", true},
		{"a b", "s", false},
		{"", "s", false},
		{strings.Repeat("g", 513), "s", false},
		{"g", "web:1", false},
		{"g", "web*", false},
		{"g", strings.Repeat("s", 513), false},
	} {
		_, _, err := w.Ensure(t.Context(), "000000000000", "us-east-1", c.group, c.stream, true)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, logsapi.ErrInvalidParameterException) {
			t.Errorf("%.20q %.20q: %v", c.group, c.stream, err)
		}
	}
}
