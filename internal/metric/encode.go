package metric

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// A point's form on disk: flags, then count, sum, min and max as floats, then the distribution: shift, number of cells,
// and for each its key and count. Floats are written with their bytes turned round as unsigned varints, which makes round
// numbers short: a point of one small integer takes six bytes.
const (
	flagOpaque = 1 << iota
	flagSingle // one value: minimum and sum follow from count and maximum
)

var errPoint = errors.New("malformed point")

func appendPoint(b []byte, p *Point) []byte {
	if !p.opaque && p.values.shift == 0 && len(p.values.cells) == 1 && p.Min == p.Max && p.Sum == p.Max*p.Count {
		return appendFloat(appendFloat(append(b, flagSingle), p.Count), p.Max)
	}
	var flags byte
	if p.opaque {
		flags = flagOpaque
	}
	b = append(b, flags)
	for _, f := range []float64{p.Count, p.Sum, p.Min, p.Max} {
		b = appendFloat(b, f)
	}
	if p.opaque {
		return b
	}
	b = append(b, byte(p.values.shift))
	b = binary.AppendUvarint(b, uint64(len(p.values.cells)))
	var last uint64
	for _, c := range p.values.cells {
		if p.values.shift == 0 {
			b = binary.AppendUvarint(b, bits.ReverseBytes64(c.key))
		} else {
			b = binary.AppendUvarint(b, c.key-last)
			last = c.key
		}
		b = appendFloat(b, c.count)
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	return binary.AppendUvarint(b, bits.ReverseBytes64(math.Float64bits(f)))
}

func parsePoint(b []byte) (Point, error) {
	r := pointReader{b: b}
	p := r.point()
	if r.bad || len(r.b) > 0 {
		return Point{}, errPoint
	}
	return p, nil
}

type pointReader struct {
	b   []byte
	bad bool
}

func (r *pointReader) point() Point {
	flags := r.byte()
	if flags == flagSingle {
		n, v := r.float(), r.float()
		if r.bad || !(v >= 0) {
			r.bad = true
			return Point{}
		}
		return Value(v, n)
	}
	p := Point{opaque: flags == flagOpaque}
	p.Count, p.Sum, p.Min, p.Max = r.float(), r.float(), r.float(), r.float()
	if p.opaque {
		return p
	}
	p.values.shift = uint(r.byte())
	n := r.uvarint()
	if r.bad || flags != 0 || p.values.shift > 63 || n > mostCells {
		r.bad = true
		return p
	}
	p.values.cells = make([]cell, n)
	var last uint64
	for i := range p.values.cells {
		key := r.uvarint()
		if p.values.shift == 0 {
			key = bits.ReverseBytes64(key)
		} else {
			key += last
		}
		r.bad = r.bad || i > 0 && key <= last
		last = key
		p.values.cells[i] = cell{key, r.float()}
	}
	return p
}

func (r *pointReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *pointReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *pointReader) float() float64 {
	return math.Float64frombits(bits.ReverseBytes64(r.uvarint()))
}
