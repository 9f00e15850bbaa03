package tags

import (
	"errors"
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type tag struct{ Key, Value *string }

func pair(t tag) (key, value *string) { return t.Key, t.Value }

var strict = Rules{
	Check: func(key, _ string) error {
		if Reserved(key) {
			return errors.New("reserved: " + key)
		}
		return nil
	},
	Twice:   func(key string) error { return errors.New("twice: " + key) },
	TooMany: func() error { return errors.New("too many") },
}

func TestMerge(t *testing.T) {
	folding := strict
	folding.Fold = true
	old := map[string]string{"A": "1", "b": "2"}
	for _, c := range []struct {
		name  string
		rules Rules
		added []tag
		want  map[string]string
		err   string
	}{
		{"nothing", strict, nil, map[string]string{"A": "1", "b": "2"}, ""},
		{"a new one and another value", strict, []tag{{new("c"), new("3")}, {new("b"), nil}}, map[string]string{"A": "1", "b": "", "c": "3"}, ""},
		{"case counts", strict, []tag{{new("a"), new("3")}}, map[string]string{"A": "1", "a": "3", "b": "2"}, ""},
		{"case does not count", folding, []tag{{new("a"), new("3")}}, map[string]string{"a": "3", "b": "2"}, ""},
		{"twice", strict, []tag{{new("c"), nil}, {new("c"), nil}}, nil, "twice: c"},
		{"twice in another case", folding, []tag{{new("c"), nil}, {new("C"), nil}}, nil, "twice: C"},
		{"twice, and nobody minds", Rules{}, []tag{{new("c"), new("3")}, {new("c"), new("4")}}, map[string]string{"A": "1", "b": "2", "c": "4"}, ""},
		{"reserved", strict, []tag{{new("AWS:x"), nil}}, nil, "reserved: AWS:x"},
	} {
		got, err := c.rules.Merge(old, Of(c.added, pair))
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
	if len(old) != 2 {
		t.Error("the old tags were changed:", old)
	}
}

func TestTooMany(t *testing.T) {
	full := map[string]string{}
	for i := range Max {
		full[strconv.Itoa(i)] = ""
	}
	if _, err := strict.Merge(full, maps.All(map[string]string{"0": "x"})); err != nil {
		t.Error(err)
	}
	if _, err := strict.Merge(full, maps.All(map[string]string{"x": ""})); err == nil {
		t.Error("no error for one more than the limit")
	}
}

func TestListAndWithout(t *testing.T) {
	tags := map[string]string{"b": "2", "a": "1", "c": "3"}
	got := List(Without(tags, []string{"c", "absent"}), func(key, value *string) tag { return tag{key, value} })
	if diff := cmp.Diff([]tag{{new("a"), new("1")}, {new("b"), new("2")}}, got); diff != "" {
		t.Error(diff)
	}
	if len(tags) != 3 {
		t.Error("the old tags were changed:", tags)
	}
}
