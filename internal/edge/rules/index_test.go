package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestIndex compares an index's answers with those of looking at every rule in turn.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(letters string) string {
		b := make([]byte, 1+rng.IntN(4))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	for range 200 {
		var in []edgeapi.Rule
		for i := range indexFrom + rng.IntN(100) {
			var c []edgeapi.Condition
			if rng.IntN(3) > 0 {
				c = append(c, edgeapi.Condition{Field: edgeapi.FieldPath, Values: []string{"/" + word("ab/*?"), "/" + word("ab/")}})
			}
			if rng.IntN(3) == 0 {
				c = append(c, edgeapi.Condition{Field: edgeapi.FieldHost, Values: []string{word("aB.") + ".c", word("ab.")}})
			}
			if rng.IntN(6) == 0 {
				c = append(c, edgeapi.Condition{Field: edgeapi.FieldHost, Values: []string{word("ab.*?") + ".c"}})
			}
			if rng.IntN(8) == 0 {
				c = append(c, edgeapi.Condition{Field: edgeapi.FieldPath, Regex: []string{"^/" + word("ab/") + "[ab]"}})
			}
			if len(c) == 0 || rng.IntN(5) == 0 {
				c = append(c, edgeapi.Condition{Field: edgeapi.FieldMethod, Values: []string{"POST"}})
			}
			in = append(in, edgeapi.Rule{ARN: fmt.Sprint(i), Priority: i + 1, Conditions: c})
		}
		l := Compile(append(in, edgeapi.Rule{ARN: "default"}))
		linear := List{rules: l.rules}
		for range 100 {
			r := request(t, fmt.Sprintf("GET /%s%s HTTP/1.1\r\nHost: %s\r\n\r\n", word("ab/"), word("ab/"), word("ab.")+strings.ToUpper(".c:80")))
			if got, want := l.Match(r, client), linear.Match(r, client); got != want {
				t.Fatalf("%s %s: rule %d, want %d of %+v", r.Host, r.Path, got, want, in)
			}
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 20, 100} {
		var in []edgeapi.Rule
		for i := range n - 1 {
			in = append(in, edgeapi.Rule{Conditions: []edgeapi.Condition{
				{Field: edgeapi.FieldPath, Values: []string{fmt.Sprintf("/service-%d/*", i)}},
				{Field: edgeapi.FieldHost, Values: []string{"*.example.com"}},
			}})
		}
		l := Compile(append(in, edgeapi.Rule{}))
		r := request(b, "GET /1k HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Match(r, client)
			}
		})
	}
}
