package metric

import (
	"cmp"
	"math"
	"slices"
)

// A distribution is values in ascending order with how often each occurred. Few distinct values are kept as they are;
// with more of them, low bits of their mantissas are dropped until the cells fit. Nonnegative floats order like their
// bits, so a cell of a coarser level is exactly two of the finer one: the level a set of values ends up at, and with it
// every count, is the same however the set was split and in whatever order its parts were merged.
type distribution struct {
	shift uint // low bits of the values that are dropped: 0, or firstShift and more
	cells []cell
}

type cell struct {
	key   uint64 // math.Float64bits(value) >> shift
	count float64
}

const (
	exactCells = 100  // distinct values kept as they are
	mostCells  = 1024 // cells of coarser levels
	firstShift = 45   // 7 bits of the mantissa stay: a cell is less than 0.8 % wide
)

func (d *distribution) fits() bool {
	return len(d.cells) <= exactCells || d.shift > 0 && len(d.cells) <= mostCells
}

// add counts value, which is not negative.
func (d *distribution) add(value, count float64) {
	key := math.Float64bits(value+0) >> d.shift // +0: negative zero is zero
	i, found := slices.BinarySearchFunc(d.cells, key, func(c cell, key uint64) int { return cmp.Compare(c.key, key) })
	if found {
		d.cells[i].count += count
		return
	}
	d.cells = slices.Insert(d.cells, i, cell{key, count})
	d.settle()
}

// merge adds all that o counted.
func (d *distribution) merge(o distribution) {
	d.coarsen(o.shift)
	o.coarsen(d.shift)
	merged := make([]cell, 0, len(d.cells)+len(o.cells))
	a, b := d.cells, o.cells
	for len(a) > 0 && len(b) > 0 {
		switch cmp.Compare(a[0].key, b[0].key) {
		case -1:
			merged, a = append(merged, a[0]), a[1:]
		case 1:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, cell{a[0].key, a[0].count + b[0].count})
			a, b = a[1:], b[1:]
		}
	}
	d.cells = append(append(merged, a...), b...)
	d.settle()
}

func (d *distribution) settle() {
	for !d.fits() {
		d.coarsen(max(d.shift+1, firstShift))
	}
}

// coarsen drops bits up to shift.
func (d *distribution) coarsen(shift uint) {
	if shift <= d.shift {
		return
	}
	by := shift - d.shift
	d.shift = shift
	kept := make([]cell, 0, len(d.cells)) // others may share the cells
	for _, c := range d.cells {
		c.key >>= by
		if n := len(kept); n > 0 && kept[n-1].key == c.key {
			kept[n-1].count += c.count
		} else {
			kept = append(kept, c)
		}
	}
	d.cells = kept
}

// value stands for all values of cell i: the middle between its edges.
func (d *distribution) value(i int) float64 {
	key := d.cells[i].key
	low := math.Float64frombits(key << d.shift)
	if d.shift == 0 || key == 0 {
		return low
	}
	return low + (math.Float64frombits((key+1)<<d.shift)-low)/2
}
