// Package pinned has the processes that take part in the comparisons of bench/l4 and bench/l7: each pinned to cores, and its CPU time
// counted.
package pinned
