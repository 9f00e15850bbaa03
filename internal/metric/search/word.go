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

// partial says whether a term finds a name. One word finds any word of the name or all of it, whatever the case; several
// find the same words in a row, and their case counts unless characters between them say where they end.
func partial(term, name string) bool {
	want, delimited := words(term)
	have, _ := words(name)
	if len(want) == 0 || len(have) == 0 {
		return false
	}
	if strings.EqualFold(strings.Join(want, ""), strings.Join(have, "")) {
		return true
	}
	equal := func(a, b string) bool { return a == b }
	if delimited || len(want) == 1 {
		equal = strings.EqualFold
	}
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.EqualFunc(want, have[i:i+len(want)], equal) {
			return true
		}
	}
	return false
}
