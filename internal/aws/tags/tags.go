package tags

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Max is how many tags a resource may have. AWS: "Tagging your AWS resources", Tag naming limits.
const Max = 50

// Reserved says whether only AWS itself may use the key.
func Reserved(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

// Rules are how a service words its refusals. A nil one refuses nothing.
type Rules struct {
	Check   func(key, value string) error // of one tag
	Twice   func(key string) error        // a request has a key more than once; where nil, the last one counts
	TooMany func() error
	Fold    bool // keys that differ in case alone are the same
}

// Merge is tags with added ones over them. It leaves tags as they are.
func (r Rules) Merge(tags map[string]string, added iter.Seq2[string, string]) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for key, value := range added {
		if r.Check != nil {
			if err := r.Check(key, value); err != nil {
				return nil, err
			}
		}
		name := key
		if r.Fold {
			name = strings.ToLower(key)
		}
		if seen[name] && r.Twice != nil {
			return nil, r.Twice(key)
		}
		seen[name] = true
		if r.Fold {
			maps.DeleteFunc(out, func(k, _ string) bool { return strings.EqualFold(k, key) })
		}
		out[key] = value
	}
	if len(out) > Max && r.TooMany != nil {
		return nil, r.TooMany()
	}
	return out, nil
}

// Without is tags but for some keys.
func Without(tags map[string]string, keys []string) map[string]string {
	out := maps.Clone(tags)
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// Of reads tags from a service's own shape of them.
func Of[T any](list []T, pair func(T) (key, value *string)) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, t := range list {
			var key, value string
			if k, v := pair(t); k != nil {
				if key = *k; v != nil {
					value = *v
				}
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

// List is tags in a service's own shape, sorted by key; nil where there are none.
func List[T any](tags map[string]string, shape func(key, value *string) T) []T {
	var out []T
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, shape(new(k), new(tags[k])))
	}
	return out
}
