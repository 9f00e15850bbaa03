package formula

import (
	"errors"
	"fmt"
	"strings"
)

// ErrSyntax is the class of errors in an expression's text.
var ErrSyntax = errors.New("expression")

// maxDepth bounds nesting.
const maxDepth = 64

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenName
	tokenString
	tokenSymbol
)

type token struct {
	kind tokenKind
	text string
}

// scan cuts an expression into tokens.
func scan(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			end := numberEnd(text, i)
			out = append(out, token{tokenNumber, text[i:end]})
			i = end
		case isLetter(c):
			end := i
			for end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
				end++
			}
			out = append(out, token{tokenName, text[i:end]})
			i = end
		case c == '\'' || c == '"':
			value, end, err := quoted(text, i)
			if err != nil {
				return nil, err
			}
			out = append(out, token{tokenString, value})
			i = end
		default:
			symbol := text[i : i+1]
			if i+1 < len(text) && strings.Contains(" == != <= >= && || ", " "+text[i:i+2]+" ") {
				symbol = text[i : i+2]
			}
			if !strings.Contains("+-*/^()[],<>", symbol) && len(symbol) == 1 {
				return nil, fmt.Errorf("%w: unexpected character %q", ErrSyntax, symbol)
			}
			out = append(out, token{tokenSymbol, symbol})
			i += len(symbol)
		}
	}
	return append(out, token{kind: tokenEnd}), nil
}

func numberEnd(text string, i int) int {
	for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
		i++
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		end := i + 1
		if end < len(text) && (text[end] == '+' || text[end] == '-') {
			end++
		}
		if end < len(text) && isDigit(text[end]) {
			for end < len(text) && isDigit(text[end]) {
				end++
			}
			return end
		}
	}
	return i
}

// quoted reads a string that begins at i. A backslash before the quote that ends it keeps the quote; all other backslashes
// are the string's own, because searches have them.
func quoted(text string, i int) (value string, end int, err error) {
	quote := text[i]
	var b strings.Builder
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == quote:
			return b.String(), j + 1, nil
		case text[j] == '\\' && j+1 < len(text) && text[j+1] == quote:
			j++
		}
		b.WriteByte(text[j])
	}
	return "", 0, fmt.Errorf("%w: a string does not end", ErrSyntax)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
