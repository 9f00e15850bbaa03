// Package logs is CloudWatch Logs' engine: log groups and streams as rows of
// the store, their events in a SQLite file of their own, an ingest loop that
// follows the spools of containers with the awslogs driver, and live tails.
// services/logs is its front.
package logs
