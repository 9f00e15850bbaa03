package arn

import "testing"

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in, kind, id string
		ok           bool
	}{
		{"arn:aws:ecs:us-east-1:000000000000:task/web/1234", "task", "web/1234", true},
		{"arn:aws:ecs:us-east-1:000000000000:task-definition/web:3", "task-definition", "web:3", true},
		{"arn:aws:logs:us-east-1:000000000000:log-group:/ecs/web:*", "log-group", "/ecs/web:*", true},
		{"arn:aws:iam::000000000000:role/service-role/x", "role", "service-role/x", true},
		{"arn:aws:s3:::bucket", "", "bucket", true},
		{"arn:aws:ecs:us-east-1:000000000000", "", "", false},
		{"arn::ecs:us-east-1:000000000000:x", "", "", false},
		{"arn:aws:ecs:us-east-1:000000000000:", "", "", false},
		{"web", "", "", false},
		{"", "", "", false},
	} {
		a, err := Parse(tt.in)
		if (err == nil) != tt.ok {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if err != nil {
			continue
		}
		if a.String() != tt.in {
			t.Errorf("Parse(%q).String() = %q", tt.in, a)
		}
		if a.Kind() != tt.kind || a.ID() != tt.id {
			t.Errorf("Parse(%q): kind %q id %q", tt.in, a.Kind(), a.ID())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:ecs:us-east-1:000000000000:task/web/1234")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err == nil && a.String() != s {
			t.Errorf("%q became %q", s, a)
		}
	})
}
