// Package spool keeps the output of one container in one append-only file.
//
// A task's shim writes it (it outlives the control plane); logs ingest and `neargate logs` follow it with a Reader and say with
// Release what they have safely stored elsewhere, upon which the file's disk space is given back. Offsets are positions in the
// file and never change, so a consumer remembers a single number.
//
//	0        8        16         24         4096
//	| magic  | spare  | released | dropped  | … frame frame frame …
//
//	frame: | length u32 | crc32c u32 | unix nanoseconds i64 | stream u8 | line … |
//
// released is written by the consumer only and dropped by the writer only (when nobody consumes and the size cap is reached); the
// larger one is where the spool starts. What lies before is a hole in the file. A frame that a dying writer has left half
// written is cut off by the next writer and never shown by a reader.
package spool
