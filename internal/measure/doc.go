// Package measure writes the platform's own metrics: every minute it reads the counters of the data plane, takes the
// differences since the minute before, adds what the rows say about health, and records what Elastic Load Balancing
// publishes in AWS/ApplicationELB and AWS/NetworkELB. It also samples what the tasks of services use, for AWS/ECS.
//
//	edge's counters ─┐
//	                 ├─▶ Take(Input) []metric.Datum ─▶ one transaction: data, and the counters they were taken from
//	rows of balance ─┘
//
// The counters of the last minute are stored with its data, so that what is counted while this process is dead is recorded
// when it is back, once.
package measure
