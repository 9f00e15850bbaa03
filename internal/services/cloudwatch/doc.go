// Package cloudwatch is the front of Amazon CloudWatch's metrics over internal/metric.
package cloudwatch
