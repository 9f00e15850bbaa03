package proto

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	name := new("ok")
	for _, tt := range []struct {
		name string
		in   sample
		want []string
	}{
		{"good", sample{Name: name, Count: new(int32(10)), Names: []string{"ab", "abcd"}, Mode: new("FAST"), Either: &choice{A: name}, Ratio: new(1.5)}, nil},
		{"required", sample{}, []string{"Value null at 'name' failed to satisfy constraint: Member must not be null"}},
		{"too short", sample{Name: new("")}, []string{
			"Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1",
			"Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z ]+",
		}},
		{"characters, not bytes", sample{Name: new("öööööööö")}, []string{
			"Value 'öööööööö' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z ]+",
		}},
		{"pattern matches the whole value", sample{Name: new("a1")}, []string{
			"Value 'a1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z ]+",
		}},
		{"enum", sample{Name: name, Mode: new("fast")}, []string{
			"Value 'fast' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [FAST, SLOW]",
		}},
		{"range", sample{Name: name, Count: new(int32(11)), Ratio: new(2.0)}, []string{
			"Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
			"Value '2' at 'ratio' failed to satisfy constraint: Member must have value less than or equal to 1.5",
		}},
		{"list items", sample{Name: name, Names: []string{"ab", "a"}}, []string{
			"Value '[ab, a]' at 'names' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 4, Member must have length greater than or equal to 2]",
		}},
		{"list length", sample{Name: name, Names: []string{"ab", "ab", "ab", "ab"}}, []string{
			"Value '[ab, ab, ab, ab]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 3",
		}},
		{"nested", sample{Name: name, Children: []sample{{Name: name}, {}}}, []string{
			"Value null at 'children.2.member.name' failed to satisfy constraint: Member must not be null",
		}},
		{"nested in a map", sample{Name: name, Trees: map[string]sample{"x": {}}}, []string{
			"Value null at 'trees.x.member.name' failed to satisfy constraint: Member must not be null",
		}},
		{"map keys and values", sample{Name: name, Labels: map[string]string{"long1": "v"}}, []string{
			"Value '{long1=v}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 3]",
		}},
		{"map values", sample{Name: name, Labels: map[string]string{"k": "long1"}}, []string{
			"Value '{k=long1}' at 'labels' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 3]",
		}},
		{"blob", sample{Name: name, Data: []byte("12345")}, []string{
			"Value '[5 bytes]' at 'data' failed to satisfy constraint: Member must have length less than or equal to 4",
		}},
		{"union with two members", sample{Name: name, Either: &choice{A: name, B: new(int32(1))}}, []string{
			"Value 'choice' at 'either' failed to satisfy constraint: Member must have exactly one member set",
		}},
		{"empty union", sample{Name: name, Either: &choice{}}, []string{
			"Value 'choice' at 'either' failed to satisfy constraint: Member must have exactly one member set",
		}},
		{"sensitive", sample{Name: name, Secret: new("short")}, []string{
			"Value at 'secret' failed to satisfy constraint: Member must have length greater than or equal to 8",
		}},
		{"list of enum", sample{Name: name, Modes: []string{"x"}}, []string{
			"Value '[x]' at 'modes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [FAST, SLOW]]",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, v := range Validate(testService, &tt.in) {
				got = append(got, v.String())
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestValidateBoundsItsAnswer(t *testing.T) {
	in := sample{Name: new(strings.Repeat("X", 1<<20)), Children: make([]sample, 1000)}
	got := Validate(testService, &in)
	if len(got) != maxViolations {
		t.Errorf("%d violations", len(got))
	}
	for _, v := range got {
		if len(v.String()) > 2*maxShown {
			t.Errorf("violation of %d bytes", len(v.String()))
		}
	}
}
