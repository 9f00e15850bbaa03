// Package metric is CloudWatch's metric engine: series of data points keyed by account, Region, namespace, name,
// dimensions and unit, kept in one SQLite file and rolled up as they age. services/cloudwatch is its front; measure writes
// the platform's own metrics; alarms will read it.
//
//	datum ─▶ 1 s (3 h) ─▶ 1 min (15 days) ─▶ 5 min (63 days) ─▶ 1 h (455 days) ─▶ gone
//
// Every datum lives in exactly one of these rows at a time: rolling up moves it, and a read merges whatever rows lie in a
// period. A row is a Point: count, sum, minimum, maximum and the distribution that percentiles are read from.
package metric
