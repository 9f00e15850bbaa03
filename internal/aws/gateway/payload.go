package gateway

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/aws/payload"
	"github.com/neargate/neargate/internal/aws/proto"
)

// stalled is how long a sender may be silent in the middle of a body that streams.
const stalled = 30 * time.Second

// payload takes the body out of the form that the client sent it in. One that streams is checked while its reader reads, the
// others here.
func (x *exchange) payload(r *proto.Request) error {
	var src io.Reader = bytes.NewReader(x.body)
	if x.info.StreamsInput {
		src = &patient{x.http.Body, http.NewResponseController(x.writer), time.Time{}}
	}
	body, err := payload.Of(x.http, src, x.chain)
	if err != nil {
		return err
	}
	if x.info.StreamsInput {
		if x.expects() {
			x.writer.WriteHeader(http.StatusContinue)
			x.continued = true
		}
		r.Stream = body
		return nil
	}
	if r.Body, err = io.ReadAll(body); err != nil {
		return err
	}
	return x.checkDigests(r.Body)
}

// checkDigests compares a body with what the head says of it.
func (x *exchange) checkDigests(body []byte) error {
	if said := x.http.Header.Get("Content-Md5"); said != "" {
		want, err := base64.StdEncoding.DecodeString(said)
		if err != nil || len(want) != checksum.MD5.Size() {
			return awserr.New("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.")
		}
		if !bytes.Equal(want, digest(checksum.MD5, body)) {
			return awserr.New("BadDigest", http.StatusBadRequest, "The Content-MD5 you specified did not match what we received.")
		}
	}
	for _, a := range checksum.All {
		said := x.http.Header.Get(a.Header())
		if said == "" {
			continue
		}
		want, ok := a.Decode(said)
		if !ok {
			return awserr.New("InvalidRequest", http.StatusBadRequest, "Value for %s header is invalid.", a.Header())
		}
		if !bytes.Equal(want, digest(a, body)) {
			return awserr.New("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum.", a)
		}
	}
	return nil
}

func digest(a checksum.Algorithm, body []byte) []byte {
	h := checksum.New(a)
	h.Write(body)
	return h.Sum(nil)
}

// expects says whether the client waits for 100 Continue before a body without octets. net/http lets it wait, and closes no
// connection for it; botocore takes the next answer on that connection for something else.
func (x *exchange) expects() bool {
	return x.http.ContentLength == 0 && strings.EqualFold(x.http.Header.Get("Expect"), "100-continue") && !x.continued
}

// discard reads what a refused request still sends, within bounds: clients that are sending do not look for an answer. One
// that asked whether to go on has been told.
func (x *exchange) discard() {
	if x.info != nil && x.info.StreamsInput && x.http.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, &patient{x.http.Body, http.NewResponseController(x.writer), time.Time{}}, maxDrained)
	}
}

// patient reads a body that may take any time, as long as it goes on.
type patient struct {
	body       io.Reader
	connection *http.ResponseController
	until      time.Time
}

func (p *patient) Read(b []byte) (int, error) {
	if now := time.Now(); p.until.Sub(now) < stalled*3/4 {
		p.until = now.Add(stalled)
		_ = p.connection.SetReadDeadline(p.until) // a writer without deadlines is a test's
	}
	n, err := p.body.Read(b)
	if err != nil {
		_ = p.connection.SetReadDeadline(time.Time{}) // or the server would take a long answer's connection for dead
	}
	return n, err
}
