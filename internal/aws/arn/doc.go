// Package arn reads and writes Amazon Resource Names.
package arn
