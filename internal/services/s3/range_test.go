package s3

import "testing"

func TestRanges(t *testing.T) {
	const size = 10
	for header, want := range map[string]struct {
		span
		ok, refused bool
	}{
		"bytes=2-4":                        {span: span{2, 3}, ok: true},
		"bytes=2-":                         {span: span{2, 8}, ok: true},
		"bytes=-3":                         {span: span{7, 3}, ok: true},
		"bytes=-30":                        {span: span{0, 10}, ok: true},
		"bytes=0-99999999999999999999":     {span: span{0, 10}, ok: true},
		"bytes=-99999999999999999999":      {span: span{0, 10}, ok: true},
		"bytes=10-":                        {refused: true},
		"bytes=-0":                         {refused: true},
		"bytes=99999999999999999999-":      {refused: true},
		"bytes=4-2":                        {},
		"bytes=+1-2":                       {},
		"bytes=1-2,4-5":                    {},
		"bytes=":                           {},
		"lines=1-2":                        {},
		"bytes=0x1-2":                      {},
		"bytes=1--2":                       {},
		"bytes= 1-2":                       {},
		"bytes=999999999999999999999999-9": {},
	} {
		got, ok, err := parseRange(header, size)
		if got != want.span || ok != want.ok || (err != nil) != want.refused {
			t.Errorf("%s: %v %v %v", header, got, ok, err)
		}
	}
}
