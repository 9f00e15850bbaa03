package logs

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/spool"
)

// maxMessage is the largest message of an event in bytes: 256 KB with what CloudWatch Logs counts beside it.
const maxMessage = 256<<10 - eventBytes

// joiner makes events of lines: one each, or, with a pattern for first lines,
// one of all lines up to the next first one.
type joiner struct {
	first *regexp.Regexp

	ready  []Event
	size   int
	offset int64 // in the spool, after what is ready

	end     int64     // in the spool, after the open event
	time    time.Time // of the open event
	pending bytes.Buffer
}

func newJoiner(first string) (*joiner, error) {
	if first == "" {
		return &joiner{}, nil
	}
	re, err := regexp.Compile(first)
	if err != nil {
		return nil, fmt.Errorf("multiline pattern: %w", err)
	}
	return &joiner{first: re}, nil
}

// add takes a line that ends at offset.
func (j *joiner) add(r spool.Record, offset int64) {
	if j.first == nil {
		j.emit(r.Time, string(r.Line))
		j.offset = offset
		return
	}
	if j.first.Match(r.Line) || j.pending.Len()+1+len(r.Line) > maxMessage {
		j.flush()
	}
	if j.pending.Len() == 0 {
		j.time = r.Time
	} else {
		j.pending.WriteByte('\n')
	}
	j.pending.Write(r.Line)
	j.end = offset
}

// emit makes an event. CloudWatch Logs has none without a message: empty lines are left out.
func (j *joiner) emit(at time.Time, message string) {
	if len(message) > maxMessage {
		message = message[:maxMessage]
	}
	message = strings.ToValidUTF8(message, "\uFFFD")
	if message == "" {
		return
	}
	j.ready = append(j.ready, Event{Timestamp: millis(at), Message: message})
	j.size += len(message) + eventBytes
}

// flush closes the open event.
func (j *joiner) flush() {
	if !j.open() {
		return
	}
	j.emit(j.time, j.pending.String())
	j.pending.Reset()
	j.offset = j.end
}

func (j *joiner) open() bool { return j.pending.Len() > 0 }

func (j *joiner) full() bool { return len(j.ready) >= batchEvents || j.size >= batchBytes }

// take hands the ready events over, and the offset up to which the spool is in them.
func (j *joiner) take() ([]Event, int64) {
	batch := j.ready
	j.ready, j.size = nil, 0
	return batch, j.offset
}
