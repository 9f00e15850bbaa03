// Package acm is AWS Certificate Manager's API front. internal/cert holds the certificates, issues and renews them.
package acm
