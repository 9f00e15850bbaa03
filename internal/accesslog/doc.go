// Package accesslog delivers the log files of load balancers to the buckets that their attributes name. It decides first whether
// Elastic Load Balancing may write there at all.
//
//	edge writes ─▶ edge/logs/NAME.log ─▶ gzip ─▶ bucket/prefix/AWSLogs/…  ─▶ NAME.log removed
//
// An object's name follows from the file's, so that a file which is met again after a crash is recognised by its object. Where a
// load balancer's log went last is a row: what edge still had when logging was switched off, or the load balancer deleted, is
// delivered too.
package accesslog
