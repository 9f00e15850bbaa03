package elbv2

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
)

// attribute is a key of a resource's attributes. One list per kind of resource is what the API knows of them: the order is the one
// they are described in.
type attribute[T any] struct {
	key   string
	unset string // the default value

	check func(value string) bool  // whether AWS takes the value
	get   func(*T) string          // the value set; without get it is always the default
	set   func(a *T, value string) // without set nothing but the default has an effect here, and other values are refused by name
}

// pair is a key and a value, whatever API type they come in.
type pair struct{ key, value string }

// describe lists all attributes.
func describe[T any](list []attribute[T], a *T) []pair {
	var out []pair
	for _, d := range list {
		value := d.unset
		if d.get != nil {
			value = d.get(a)
		}
		out = append(out, pair{d.key, value})
	}
	return out
}

// modify sets attributes of a, all or, in case of an error, none that matters.
func modify[T any](noun string, list []attribute[T], a *T, pairs []pair) error {
	seen := map[string]bool{}
	for _, p := range pairs {
		i := slices.IndexFunc(list, func(d attribute[T]) bool { return d.key == p.key })
		if i < 0 {
			return invalid("%s attribute key '%s' is not recognized", noun, p.key)
		}
		if seen[p.key] {
			return invalid("%s attribute key '%s' was specified more than once", noun, p.key)
		}
		seen[p.key] = true
		d := &list[i]
		if p.value != d.unset && !d.check(p.value) {
			return balance.ErrInvalidConfiguration.New("The value '%s' for the %s attribute '%s' is not valid", p.value, strings.ToLower(noun), p.key)
		}
		if p.value != d.unset && d.set == nil {
			return awserr.NotImplemented(strings.ToLower(noun) + " attribute " + p.key + "=" + p.value)
		}
		if d.set != nil {
			d.set(a, p.value)
		}
	}
	return nil
}

// oneOf and within are checks.
func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func within(low, high int) func(string) bool {
	return func(v string) bool {
		n, ok := number(v)
		return ok && low <= n && n <= high
	}
}

// number reads a number written the one way it is shown, without a sign or leading zeros: what a client compares with its
// configuration has to be what it sent.
func number(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == text
}

func either(checks ...func(string) bool) func(string) bool {
	return func(v string) bool {
		return slices.ContainsFunc(checks, func(c func(string) bool) bool { return c(v) })
	}
}

func anything(string) bool { return true }

var boolean = oneOf("true", "false")

// flag, seconds and text are attributes kept in a field.
func flag[T any](key string, unset bool, field func(*T) *bool) attribute[T] {
	return attribute[T]{
		key: key, unset: strconv.FormatBool(unset), check: boolean,
		get: func(a *T) string { return strconv.FormatBool(*field(a)) },
		set: func(a *T, v string) { *field(a) = v == "true" },
	}
}

func seconds[T any](key string, unset, low, high int, field func(*T) *time.Duration) attribute[T] {
	return attribute[T]{
		key: key, unset: strconv.Itoa(unset), check: within(low, high),
		get: func(a *T) string { return strconv.Itoa(int(field(a).Seconds())) },
		set: func(a *T, v string) {
			n, _ := number(v) // checked
			*field(a) = time.Duration(n) * time.Second
		},
	}
}

func text[T any](key, unset string, check func(string) bool, field func(*T) *string) attribute[T] {
	return attribute[T]{
		key: key, unset: unset, check: check,
		get: func(a *T) string { return *field(a) },
		set: func(a *T, v string) { *field(a) = v },
	}
}

// amount is a number of which 0 is shown as "off" if it can be that.
func amount[T any](key, unset string, check func(string) bool, field func(*T) *int) attribute[T] {
	return attribute[T]{
		key: key, unset: unset, check: check,
		get: func(a *T) string {
			if n := *field(a); n != 0 {
				return strconv.Itoa(n)
			}
			return "off"
		},
		set: func(a *T, v string) { *field(a), _ = number(v) }, // checked; 0 for off
	}
}

// notYet is an attribute of which only the default can be had.
func notYet[T any](key, unset string, check func(string) bool) attribute[T] {
	return attribute[T]{key: key, unset: unset, check: check}
}

func pairOf(key, value *string) pair { return pair{aws.Val(key), aws.Val(value)} }
