package object

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Pages, put together, are what a look at all keys gives, whatever the limit.
func TestList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching(`[ab/ÿ]{1,6}`), 0, 40).Draw(t, "keys")
		slices.Sort(keys)
		keys = slices.Compact(keys)
		q := ListQuery{
			Prefix: rapid.StringMatching(`[ab/]{0,2}`).Draw(t, "prefix"), Delimiter: rapid.SampledFrom([]string{"", "/", "b", "a/"}).Draw(t, "delimiter"),
			Limit: rapid.IntRange(1, 10).Draw(t, "limit"),
		}
		var got []string
		for range 100 {
			p, err := list(q, place{key: q.After, after: true}, reader(keys))
			if err != nil {
				t.Fatal(err)
			}
			if p.count() > q.Limit {
				t.Fatalf("%d items", p.count())
			}
			for _, v := range p.Objects {
				got = append(got, v.Key)
			}
			got = append(got, p.Prefixes...)
			if !p.Truncated {
				break
			}
			q.After = p.Next
		}
		slices.Sort(got)
		if want := naive(keys, q); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func naive(keys []string, q ListQuery) (out []string) {
	for _, k := range keys {
		rest, ok := strings.CutPrefix(k, q.Prefix)
		if !ok {
			continue
		}
		if q.Delimiter != "" {
			if before, _, found := strings.Cut(rest, q.Delimiter); found {
				k = q.Prefix + before + q.Delimiter
			}
		}
		out = append(out, k)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func reader(keys []string) func(at place, end string, limit int) ([]*Version, error) {
	return func(at place, end string, limit int) (rows []*Version, err error) {
		for _, k := range keys {
			if (k > at.key || !at.after && k == at.key) && (end == "" || k < end) && len(rows) < limit {
				rows = append(rows, &Version{Key: k})
			}
		}
		return rows, nil
	}
}

// The same of the rows in the file, for objects and for versions.
func TestListOfBucket(t *testing.T) {
	w := open(t)
	w.change(t, func(b *Bucket) { b.Versioning = VersioningEnabled })
	var keys []string
	for _, k := range strings.Fields("a a/1 a/2 a/b/3 b ÿ ÿ/x z/1 z/2 0") {
		w.put(t, k, k)
		w.put(t, k, k)
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for limit := 1; limit < 12; limit++ {
		for _, delimiter := range []string{"", "/"} {
			q := ListQuery{Delimiter: delimiter, Limit: limit}
			var objects, versions []string
			for {
				p, err := w.List(t.Context(), w.bucket, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range p.Objects {
					objects = append(objects, v.Key)
				}
				objects = append(objects, p.Prefixes...)
				if !p.Truncated {
					break
				}
				q.After = p.Next
			}
			for q = (ListQuery{Delimiter: delimiter, Limit: limit}); ; {
				p, err := w.ListVersions(t.Context(), w.bucket, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range p.Objects {
					versions = append(versions, v.Key)
				}
				versions = append(versions, p.Prefixes...)
				if !p.Truncated {
					break
				}
				q.After, q.Version = p.Next, p.NextID
			}
			slices.Sort(objects)
			slices.Sort(versions)
			want := naive(keys, q)
			if !slices.Equal(objects, want) {
				t.Errorf("limit %d, delimiter %q: %q, want %q", limit, delimiter, objects, want)
			}
			if !slices.Equal(slices.Compact(slices.Clone(versions)), want) || delimiter == "" && len(versions) != 2*len(keys) {
				t.Errorf("limit %d, delimiter %q: versions %q", limit, delimiter, versions)
			}
		}
	}
}
