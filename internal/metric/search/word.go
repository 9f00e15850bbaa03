package search

import (
	"slices"
	"strings"
	"unicode"
)

// words cuts a name where its case or kind of character changes: CustomCount1 is Custom, Count, 1; SDBFailure is SDB,
// Failure. Characters that are neither letters nor digits separate words and are dropped.
func words(name string) (out []string, delimited bool) {
	runes := []rune(name)
	begin := 0
	cut := func(end int) {
		if end > begin {
			out = append(out, string(runes[begin:end]))
		}
		begin = end
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			begin, delimited = i+1, true
		case i == begin:
		case unicode.IsDigit(r) != unicode.IsDigit(runes[i-1]):
			cut(i)
		case unicode.IsUpper(r) && !unicode.IsUpper(runes[i-1]):
			cut(i)
		case unicode.IsLower(r) && i-1 > begin && unicode.IsUpper(runes[i-1]):
			cut(i - 1) // the last capital begins the next word
		}
	}
	cut(len(runes))
	return out, delimited
}

// finder finds a term in names. One word finds any word of the name or all of it, whatever the case; several find the same words in a
// row, and their case counts unless characters between them say where they end.
type finder struct {
	words  []string
	joined string
	same   func(a, b string) bool
}

func newFinder(term string) *finder {
	list, delimited := words(term)
	f := &finder{words: list, joined: strings.Join(list, ""), same: func(a, b string) bool { return a == b }}
	if delimited || len(list) == 1 {
		f.same = strings.EqualFold
	}
	return f
}

// in is whether the name, cut into words, has the term.
func (f *finder) in(n *name) bool {
	if len(f.words) == 0 || len(n.words) == 0 {
		return false
	}
	if strings.EqualFold(f.joined, n.joined) {
		return true
	}
	for i := 0; i+len(f.words) <= len(n.words); i++ {
		if slices.EqualFunc(f.words, n.words[i:i+len(f.words)], f.same) {
			return true
		}
	}
	return false
}

// name is a name cut into words.
type name struct {
	words  []string
	joined string
}

// names are those that a search has cut: the terms of a search ask for the same ones again and again.
type names map[string]*name

func (c names) cut(text string) *name {
	n := c[text]
	if n == nil {
		n = &name{}
		n.words, _ = words(text)
		n.joined = strings.Join(n.words, "")
		c[text] = n
	}
	return n
}
