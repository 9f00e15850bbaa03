package control

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/logs"
)

// TestCopyStream reads a log stream page by page to its end.
func TestCopyStream(t *testing.T) {
	pages := []logs.Page{
		{Events: []logs.Event{{Timestamp: 1, Message: "one"}, {Timestamp: 2, Message: "two\n"}}, Last: logs.Place{Timestamp: 2, Seq: 1}},
		{Events: []logs.Event{{Timestamp: 3, Message: "three"}}, Last: logs.Place{Timestamp: 3, Seq: 1}},
		{},
	}
	var asked []*logs.Place
	read := func(after *logs.Place) (logs.Page, error) {
		asked = append(asked, after)
		return pages[len(asked)-1], nil
	}
	var out bytes.Buffer
	l := &lines{to: &out, flush: func() error { return nil }}
	l.copyStream(t.Context(), read, Line{Task: "t"}, false)
	for _, text := range []string{`"Text":"one"`, `"Text":"two"`, `"Text":"three"`} {
		if strings.Count(out.String(), text) != 1 {
			t.Errorf("%s is not there once: %s", text, &out)
		}
	}
	if len(asked) != 3 || asked[0] != nil || *asked[2] != pages[1].Last {
		t.Errorf("read from %v", asked)
	}
	l.copyStream(t.Context(), func(*logs.Place) (logs.Page, error) { return logs.Page{}, errors.New("no such group") }, Line{}, false)
}
