package page

import (
	"errors"
	"slices"
	"testing"
)

func self(s string) string { return s }

func TestOf(t *testing.T) {
	items := []string{"a", "b", "c", "d", "e"}
	for _, tt := range []struct {
		name            string
		token           string
		limit, def, max int
		want            []string
		more            bool
	}{
		{"default", "", 0, 2, 10, []string{"a", "b"}, true},
		{"limit", "", 3, 2, 10, []string{"a", "b", "c"}, true},
		{"limit above max", "", 9, 2, 4, []string{"a", "b", "c", "d"}, true},
		{"no bounds", "", 0, 0, 0, items, false},
		{"no default, max", "", 0, 0, 2, []string{"a", "b"}, true},
		{"after", encode("b"), 2, 2, 10, []string{"c", "d"}, true},
		{"last page", encode("d"), 2, 2, 10, []string{"e"}, false},
		{"exact end", encode("c"), 2, 2, 10, []string{"d", "e"}, false},
		{"after a deleted item", encode("bb"), 2, 2, 10, []string{"c", "d"}, true},
		{"after the end", encode("z"), 2, 2, 10, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, next, err := Of(items, self, &tt.token, tt.limit, tt.def, tt.max)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) || (next != nil) != tt.more {
				t.Errorf("got %v, more %v", got, next != nil)
			}
		})
	}
}

func TestForeignToken(t *testing.T) {
	for _, token := range []string{"nonsense", "!!", "YWJj"} {
		if _, _, err := Of([]string{"a"}, self, &token, 1, 1, 1); !errors.Is(err, ErrToken) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestDescendingOrder(t *testing.T) {
	items := []string{"c", "b", "a"}
	var got []string
	var token *string
	for {
		part, next, err := Of(items, self, token, 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part...)
		if next == nil {
			break
		}
		token = next
	}
	if !slices.Equal(got, items) {
		t.Errorf("walked %v", got)
	}
}
