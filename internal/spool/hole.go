package spool

import (
	"os"
	"syscall"
)

const (
	keepSize  = 0x1 // FALLOC_FL_KEEP_SIZE
	punchHole = 0x2 // FALLOC_FL_PUNCH_HOLE
	block     = 4096
)

// punch frees the whole blocks of [from, to). File systems that cannot do so keep the bytes: nothing depends on it.
func punch(f *os.File, from, to int64) {
	from = from / block * block // the block that from lies in has been kept only for its start
	if from < headerSize {
		from = headerSize
	}
	to = to / block * block
	if to > from {
		_ = syscall.Fallocate(int(f.Fd()), keepSize|punchHole, from, to-from)
	}
}
