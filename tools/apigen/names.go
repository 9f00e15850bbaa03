package main

import (
	"fmt"
	"strings"
	"unicode"
)

// exported is name with an upper-case first letter, as Go and aws-sdk-go-v2 spell members and shapes.
func exported(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(r))
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// constant is the Go name of an enum's value: LaunchType + "FARGATE_SPOT" = LaunchTypeFargateSpot.
func constant(enum, value string) string {
	var b strings.Builder
	b.WriteString(exported(enum))
	words := strings.FieldsFunc(value, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == strings.ToUpper(w) {
			w = strings.ToLower(w)
		}
		b.WriteString(exported(w))
	}
	if len(words) == 0 {
		b.WriteString("Value")
	}
	return b.String()
}

// names hands out Go identifiers of one package, each once.
type names map[string]bool

// claim takes the first free one of name, nameValue, nameValue2, …
func (n names) claim(name string) string {
	free := name
	for i := 1; n[free]; i++ {
		free = name + "Value"
		if i > 1 {
			free = fmt.Sprintf("%sValue%d", name, i)
		}
	}
	n[free] = true
	return free
}
