package state_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/state"
)

// TestModel compares a store with a map under random transactions, some of
// which fail, with restarts in between.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := state.Memory()
		b := newBasket()
		s := b.open(t, j)
		model := map[string]*fruit{}
		for range rapid.IntRange(1, 10).Draw(rt, "transactions") {
			next := maps.Clone(model)
			before := s.View()
			fail := rapid.IntRange(0, 4).Draw(rt, "fail") == 0
			err := s.Update(t.Context(), func(tx *state.Tx) error {
				for range rapid.IntRange(0, 6).Draw(rt, "writes") {
					write(rt, b, tx, next)
					compare(rt, b, tx, next)
				}
				if fail {
					return errors.New("refused")
				}
				return nil
			})
			if (err != nil) != fail {
				rt.Fatalf("update: %v", err)
			}
			compare(rt, b, before, model)
			if !fail {
				model = next
			}
			compare(rt, b, s.View(), model)
			if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
				s.Close()
				b = newBasket()
				s = b.open(t, j)
				compare(rt, b, s.View(), model)
			}
		}
	})
}

var (
	someKey    = rapid.StringMatching(`[ab]{1,3}`)
	someColour = rapid.SampledFrom([]string{"", "r", "re", "red", "red\x00", "\x00"})
)

func write(rt *rapid.T, b *basket, tx *state.Tx, model map[string]*fruit) {
	key := someKey.Draw(rt, "key")
	if rapid.IntRange(0, 2).Draw(rt, "delete") == 0 {
		_, existed := model[key]
		if b.fruits.Delete(tx, key) != existed {
			rt.Fatalf("delete %q: existed is %v", key, existed)
		}
		delete(model, key)
		return
	}
	f := &fruit{Name: key, Colour: someColour.Draw(rt, "colour"), Tags: rapid.SliceOfN(someColour, 0, 3).Draw(rt, "tags")}
	b.fruits.Put(tx, f)
	model[key] = f
}

// compare checks the rows, their order and every index against the model.
func compare(rt *rapid.T, b *basket, tx *state.Tx, model map[string]*fruit) {
	want := slices.Sorted(maps.Keys(model))
	if got := names(b.fruits.All(tx, "")); !slices.Equal(got, want) {
		rt.Fatalf("keys %q, want %q", got, want)
	}
	if b.fruits.Len(tx) != len(model) {
		rt.Fatalf("length %d, want %d", b.fruits.Len(tx), len(model))
	}
	for key, f := range model {
		got, ok := b.fruits.Get(tx, key)
		if !ok || cmp.Diff(f.Tags, got.Tags) != "" && len(f.Tags)+len(got.Tags) > 0 || got.Colour != f.Colour {
			rt.Fatalf("row %q: %v, want %v", key, got, f)
		}
	}
	for _, v := range []string{"", "r", "re", "red", "red\x00", "\x00", "absent"} {
		var colour, tag []string
		for _, key := range want {
			if model[key].Colour == v {
				colour = append(colour, key)
			}
			if slices.Contains(model[key].Tags, v) {
				tag = append(tag, key)
			}
		}
		if got := names(b.fruits.By(tx, "colour", v)); !slices.Equal(got, colour) {
			rt.Fatalf("colour %q: %q, want %q", v, got, colour)
		}
		if got := names(b.fruits.By(tx, "tag", v)); !slices.Equal(got, tag) {
			rt.Fatalf("tag %q: %q, want %q", v, got, tag)
		}
	}
}
