package spool

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Stream tells where a line came from.
type Stream uint8

const (
	Stdout Stream = 1
	Stderr Stream = 2
	end    Stream = 15 // the container's output is over; never shown

	partial = 0x80 // flag in the stream byte
)

// MaxLine is the longest line of one record in bytes; longer ones become several records, all but the last of them Partial.
const MaxLine = 256 << 10

// Record is one line of output, without its newline.
type Record struct {
	Time    time.Time
	Stream  Stream
	Partial bool // the line goes on in the stream's next record
	Line    []byte
}

const (
	headerSize = 4096 // one page, so that the hole behind it can start at a block border
	magic      = "NGSPOOL1"

	releasedAt = 16
	droppedAt  = 24

	frameHead = 4 + 4 + 8 + 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame adds the frame of r to b.
func appendFrame(b []byte, r Record) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Line)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Time.UnixNano()))
	s := byte(r.Stream)
	if r.Partial {
		s |= partial
	}
	b = append(b, s)
	b = append(b, r.Line...)
	binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+8:], castagnoli))
	return b
}

type verdict int

const (
	whole verdict = iota // a frame of the returned size
	short                // may become a frame when more bytes arrive
	wrong                // no frame starts here
)

// parseFrame reads the frame at the start of b. The record's Line points into b.
func parseFrame(b []byte) (Record, int, verdict) {
	if len(b) < frameHead {
		return Record{}, 0, short
	}
	n := binary.LittleEndian.Uint32(b)
	s := b[16]
	if n > MaxLine || s&^partial == 0 || s&^partial > byte(end) {
		return Record{}, 0, wrong
	}
	size := frameHead + int(n)
	if len(b) < size {
		return Record{}, 0, short
	}
	if crc32.Checksum(b[8:size], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return Record{}, 0, wrong
	}
	return Record{
		Time:    time.Unix(0, int64(binary.LittleEndian.Uint64(b[8:]))),
		Stream:  Stream(s &^ partial),
		Partial: s&partial != 0,
		Line:    b[frameHead:size:size],
	}, size, whole
}
