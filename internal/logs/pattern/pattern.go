package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// MaxLength is the longest pattern in bytes, as the API has it.
const MaxLength = 1024

// ErrSyntax is wrapped by every error of Parse.
var ErrSyntax = errors.New("invalid filter pattern")

// Pattern decides whether a message matches.
type Pattern struct{ match matcher }

// matcher is one of the three kinds of patterns, or a part of one.
type matcher interface{ matches(message string) bool }

// Parse reads a pattern; the empty one matches everything.
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("%w: longer than %d characters", ErrSyntax, MaxLength)
	}
	trimmed := strings.TrimSpace(text)
	var m matcher
	var err error
	switch {
	case trimmed == "":
		m = everything{}
	case trimmed[0] == '{':
		m, err = parseJSON(trimmed)
	case trimmed[0] == '[':
		m, err = parseFields(trimmed)
	default:
		m, err = parseTerms(trimmed)
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{match: m}, nil
}

// Match says whether the message matches.
func (p *Pattern) Match(message string) bool { return p.match.matches(message) }

type everything struct{}

func (everything) matches(string) bool { return true }

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}
