// Package iam is the front of AWS Identity and Access Management: roles, users,
// access keys, managed and inline policies. It edits internal/policy, which the
// gateway (signatures) and services/sts (sessions) read.
package iam
