package pinned

import "slices"

// Median is the median of one figure of all results, of which there must be one at least.
func Median[R any](all []R, figure func(R) float64) float64 {
	var v []float64
	for _, r := range all {
		v = append(v, figure(r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}
