// Package checksum computes the checksums that S3's clients send with objects ("Checking object integrity").
package checksum
