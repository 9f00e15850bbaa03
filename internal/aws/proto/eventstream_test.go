package proto

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

type tail struct {
	Note   *string            `api:"note"`
	Events aws.Stream[update] `api:"events"`
}

type update struct {
	Line *line `api:"line"`
	Over *line `api:"OverException"`
}

type line struct {
	Text *string `api:"text"`
}

// message is an event as a client reads it.
type message struct {
	headers map[string]string
	payload string
}

func readMessages(t *testing.T, b []byte) []message {
	t.Helper()
	var out []message
	for len(b) > 0 {
		total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) || crc32.ChecksumIEEE(b[:total-4]) != binary.BigEndian.Uint32(b[total-4:]) {
			t.Fatal("checksum")
		}
		m := message{headers: map[string]string{}, payload: string(b[12+headers : total-4])}
		for h := b[12 : 12+headers]; len(h) > 0; {
			name := h[1 : 1+h[0]]
			h = h[1+h[0]:]
			n := binary.BigEndian.Uint16(h[1:])
			m.headers[string(name)] = string(h[3 : 3+n])
			h = h[3+n:]
		}
		out = append(out, m)
		b = b[total:]
	}
	return out
}

func TestEventStream(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  error
		want message
	}{
		{"modeled error", awserr.New("OverException", 400, "over"), message{map[string]string{":message-type": "exception", ":exception-type": "OverException"}, `{"message":"over"}`}},
		{"other error", awserr.New("Gone", 400, "away"), message{map[string]string{":message-type": "error", ":error-code": "Gone", ":error-message": "away"}, ""}},
		{"internal error", io.ErrUnexpectedEOF, message{map[string]string{":message-type": "error", ":error-code": "InternalFailure"}, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := tail{Note: new("n"), Events: func(yield func(*update, error) bool) {
				if yield(&update{Line: &line{Text: new("a")}}, nil) {
					yield(nil, tt.end)
				}
			}}
			r := JSON{Version: "1.1"}.Encode(nil, operation(""), "id", &out)
			var b bytes.Buffer
			flushed := 0
			if err := r.Stream(context.Background(), &b, func() error { flushed++; return nil }); !errors.Is(err, tt.end) {
				t.Errorf("stream ended with %v", err)
			}
			got := readMessages(t, b.Bytes())
			if len(got) != 3 || flushed != 3 {
				t.Fatalf("%d messages, %d flushes", len(got), flushed)
			}
			if got[0].headers[":event-type"] != "initial-response" || got[0].payload != `{"note":"n"}` {
				t.Errorf("first %+v", got[0])
			}
			if got[1].headers[":event-type"] != "line" || got[1].payload != `{"text":"a"}` || got[1].headers[":content-type"] != "application/json" {
				t.Errorf("second %+v", got[1])
			}
			for name, want := range tt.want.headers {
				if got[2].headers[name] != want || got[2].payload != tt.want.payload {
					t.Errorf("last %+v", got[2])
				}
			}
		})
	}
}

func TestEventStreamStopsWithItsClient(t *testing.T) {
	sent := 0
	out := tail{Events: func(yield func(*update, error) bool) {
		for sent < 100 && yield(&update{Line: &line{}}, nil) {
			sent++
		}
	}}
	gone := errors.New("gone")
	r := RESTJSON{}.Encode(nil, operation(""), "id", &out)
	err := r.Stream(context.Background(), io.Discard, func() error {
		if sent == 3 {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || sent != 3 {
		t.Errorf("%v after %d", err, sent)
	}
}
