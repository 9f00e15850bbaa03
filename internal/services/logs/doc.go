// Package logs is the front of Amazon CloudWatch Logs over internal/logs.
package logs
