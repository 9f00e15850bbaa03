package proxy

import (
	"bytes"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	s := newSealer(key)
	var in, out jar
	in.put(bond{1, 2, 3})
	value := s.seal(targetCookie, &in)
	if len(value) != 128 {
		t.Errorf("%d characters", len(value))
	}
	if !newSealer(key).open(targetCookie, []byte(value), &out) || out != in {
		t.Errorf("%+v became %+v", in, out)
	}
	if s.open(groupCookie, []byte(value), &out) {
		t.Error("opened under another kind")
	}
	if newSealer(nil).open(targetCookie, []byte(value), &out) {
		t.Error("opened with another key")
	}
	for i := range value {
		forged := []byte(value)
		forged[i] ^= 1
		if s.open(targetCookie, forged, &out) {
			t.Errorf("opened with octet %d changed", i)
		}
	}
	for i := range uint64(maxBonds) {
		in.put(bond{100 + i, i, uint32(i)})
	}
	if in.n != maxBonds || in.others(1) == false {
		t.Errorf("%+v", in)
	}
	if _, ok := in.find(1, 3, 10); !ok {
		t.Error("bond 1 is not the oldest and was forgotten")
	}
	if !s.open(targetCookie, []byte(s.seal(targetCookie, &in)), &out) || out != in {
		t.Error("a full jar is not the same afterwards")
	}
}

// FuzzOpen shows that nothing but what was sealed opens.
func FuzzOpen(f *testing.F) {
	s := newSealer(nil)
	var j jar
	j.put(bond{1, 2, 3})
	f.Add([]byte(s.seal(targetCookie, &j)))
	f.Add([]byte(strings.Repeat("A", 128)))
	f.Fuzz(func(t *testing.T, value []byte) {
		var out jar
		if s.open(targetCookie, value, &out) && out != j {
			t.Fatalf("%q opened as %+v", value, out)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s := newSealer(nil)
	var j jar
	j.put(bond{1, 2, 3})
	value := []byte(s.seal(targetCookie, &j))
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.seal(targetCookie, &j)
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.open(targetCookie, value, &j)
		}
	})
}
