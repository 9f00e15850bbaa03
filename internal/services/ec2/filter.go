package ec2

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/wildcard"
)

// filters are what a kind of row can be selected by: for each filter's name, the values the row has.
type filters[T any] map[string]func(T) []string

// listing is a Describe request over rows of one kind.
type listing[T any] struct {
	all     iter.Seq[T]
	get     func(id string) (T, error) // finds a row asked for by its id, or says that there is none
	id      func(T) string
	filters filters[T]
	tags    func(id string) map[string]string // nil: rows have no tags

	ids       []string
	parameter string // name of the ids' parameter, for errors
	with      []ec2api.Filter
	token     *string
	max       *int32
}

// rows are the rows asked for, in order of id, and the token of the next page.
func (l listing[T]) rows() ([]T, *string, error) {
	if err := l.check(); err != nil {
		return nil, nil, err
	}
	var out []T
	if len(l.ids) > 0 {
		ids := slices.Clone(l.ids)
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			row, err := l.get(id)
			if err != nil {
				return nil, nil, err
			}
			if l.matches(row) {
				out = append(out, row)
			}
		}
		return out, nil, nil
	}
	for row := range l.all {
		if l.matches(row) {
			out = append(out, row)
		}
	}
	if l.max == nil {
		return page.Of(out, l.id, l.token, 0, 0, 0) // EC2 answers everything to who asks for no pages
	}
	return page.Of(out, l.id, l.token, int(*l.max), 1000, 1000)
}

func (l listing[T]) check() error {
	if len(l.ids) > 0 && l.max != nil && l.parameter != "" {
		return network.ErrCombination.New("The parameter %s cannot be used with the parameter maxResults", l.parameter)
	}
	for _, f := range l.with {
		name := aws.Val(f.Name)
		_, known := l.filters[name]
		if !known && !(l.tags != nil && tagFilter(name)) {
			return invalid("The filter '%s' is invalid", name)
		}
	}
	return nil
}

func tagFilter(name string) bool {
	return name == "tag-key" || name == "tag-value" || strings.HasPrefix(name, "tag:")
}

// matches says whether the row has, for every filter, one of its values.
func (l listing[T]) matches(row T) bool {
	for _, f := range l.with {
		var values []string
		if value, known := l.filters[*f.Name]; known {
			values = value(row)
		} else {
			values = tagValues(*f.Name, l.tags(l.id(row)))
		}
		if !anyMatch(f.Values, values) {
			return false
		}
	}
	return true
}

// tagValues are the values that tags have for one of the tag filters.
func tagValues(filter string, tags map[string]string) []string {
	var out []string
	switch key, ok := strings.CutPrefix(filter, "tag:"); {
	case ok:
		if value, there := tags[key]; there {
			out = append(out, value)
		}
	case filter == "tag-key":
		for k := range tags {
			out = append(out, k)
		}
	default:
		for _, v := range tags {
			out = append(out, v)
		}
	}
	return out
}

func anyMatch(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if wildcard.Escaped(p, v) {
				return true
			}
		}
	}
	return false
}

// one is a filter over a single value; an absent one is no value.
func one[T any](value func(T) string) func(T) []string {
	return func(row T) []string {
		if v := value(row); v != "" {
			return []string{v}
		}
		return nil
	}
}

// fixed is a filter over a value that all rows have.
func fixed[T any](value string) func(T) []string {
	return func(T) []string { return []string{value} }
}

// none is a filter over something no row has, such as an IPv6 block.
func none[T any](T) []string { return nil }

// yes is a filter over a boolean.
func yes[T any](value func(T) bool) func(T) []string {
	return func(row T) []string { return []string{strconv.FormatBool(value(row))} }
}

// exact is the filter's only value if it can be looked up in an index instead of compared with every row.
func exact(with []ec2api.Filter, name string) (string, bool) {
	for _, f := range with {
		if aws.Val(f.Name) == name && len(f.Values) == 1 && !strings.ContainsAny(f.Values[0], `*?\`) {
			return f.Values[0], true
		}
	}
	return "", false
}
