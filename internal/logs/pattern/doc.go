// Package pattern is CloudWatch Logs' filter pattern language: terms, JSON
// selectors and space-delimited fields. FilterLogEvents and live tail match
// with it now, metric filters and subscriptions later. A pattern is parsed
// once and matches without allocating much.
//
// AWS: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters,
// subscription filters, filter log events, and Live Tail".
package pattern
