package gateway

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// Keys knows the access keys that Neargate issued.
type Keys interface {
	Lookup(accessKeyID string) (Key, bool)
}

// Key is an access key and whose it is.
type Key struct {
	Secret    string
	Account   string
	Principal string    // ARN
	Token     string    // of a session; empty for long-lived keys
	Expires   time.Time // of a session; zero for long-lived keys
	Inactive  bool
}

// authenticate verifies the signature and learns account, region and principal from it.
func (g *Gateway) authenticate(x *exchange) error {
	x.call.Account, x.call.Region = g.config.Account, g.config.Region
	if err := g.identify(x); err != nil {
		return err
	}
	if x.call.Principal == "" {
		x.call.Principal = arn.New("iam", "", x.call.Account, "root")
	}
	x.ctx = aws.With(x.ctx, x.call)
	return x.next()
}

func (g *Gateway) identify(x *exchange) error {
	s := x.signature
	if s == nil {
		if g.config.Enforce && !x.info.Unsigned {
			return x.denial().unsigned()
		}
		return nil
	}
	x.call.AccessKeyID, x.call.Region = s.AccessKeyID, s.Region
	if g.config.Keys != nil {
		if key, ok := g.config.Keys.Lookup(s.AccessKeyID); ok {
			return g.verify(x, key)
		}
	}
	if g.config.Enforce {
		return x.denial().unknownKey()
	}
	if isAccount(s.AccessKeyID) {
		x.call.Account = s.AccessKeyID
	}
	return nil
}

func (g *Gateway) verify(x *exchange, key Key) error {
	s, denied := x.signature, x.denial()
	if key.Inactive || subtle.ConstantTimeCompare([]byte(key.Token), []byte(s.Token)) == 0 {
		return denied.unknownKey()
	}
	if !key.Expires.IsZero() && x.call.Now.After(key.Expires) {
		return denied.expiredToken()
	}
	// What names the operation must be part of what was signed: a presigned URL that somebody was given for one service
	// would do for every other.
	if s.Service != x.service.SigningName {
		return denied.scope(x.service.SigningName)
	}
	if x.http.Header.Get("X-Amz-Target") != "" && !slices.Contains(s.SignedHeaders, "x-amz-target") {
		return denied.mismatch()
	}
	switch err := s.Verify(x.http, x.query, key.Secret, x.payloadHash(), x.call.Now); {
	case errors.Is(err, sigv4.ErrExpired), errors.Is(err, sigv4.ErrEarly):
		return denied.time(s, x.call.Now, errors.Is(err, sigv4.ErrEarly))
	case err != nil:
		return denied.mismatch()
	}
	x.call.Account, x.call.Principal = key.Account, key.Principal
	return nil
}

// payloadHash is the body's hash as the signature should have it. Only REST-XML services (S3) take the signer's word for it.
func (x *exchange) payloadHash() string {
	if _, ok := x.codec.(proto.RESTXML); ok || x.info.StreamsInput {
		if said := x.http.Header.Get("X-Amz-Content-Sha256"); said != "" {
			return said
		}
		if x.signature.Presigned {
			return sigv4.UnsignedPayload
		}
	}
	return sigv4.Hash(x.body)
}

// isAccount reports whether an access key id selects an account: 12 digits.
func isAccount(id string) bool {
	if len(id) != 12 {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

// denial words refusals as the protocol at hand does.
type denial struct{ codec codec }

func (x *exchange) denial() denial { return denial{x.codec} }

func (d denial) say(query, ec2, json *awserr.Error) error {
	switch d.codec.(type) {
	case proto.EC2Query:
		return ec2
	case proto.Query, proto.RESTXML:
		return query
	}
	return json
}

func denied(code string, status int, message string) *awserr.Error {
	return awserr.New(code, status, "%s", message)
}

const (
	badToken   = "The security token included in the request is invalid."
	oldToken   = "The security token included in the request is expired"
	badRequest = http.StatusBadRequest
	forbidden  = http.StatusForbidden
	authFailed = "AWS was not able to validate the provided access credentials"
	notMatched = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

func (d denial) unsigned() error {
	return d.say(
		denied("MissingAuthenticationToken", forbidden, "Request is missing Authentication Token"),
		denied("MissingParameter", badRequest, "The request must contain the parameter AWSAccessKeyId"),
		denied("MissingAuthenticationTokenException", badRequest, "Missing Authentication Token"))
}

func (d denial) incomplete() error {
	const message = "The request signature does not conform to AWS standards."
	return d.say(
		denied("IncompleteSignature", badRequest, message),
		denied("IncompleteSignature", badRequest, message),
		denied("IncompleteSignatureException", badRequest, message))
}

func (d denial) unknownKey() error {
	return d.say(
		denied("InvalidClientTokenId", forbidden, badToken),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("UnrecognizedClientException", badRequest, badToken))
}

func (d denial) expiredToken() error {
	return d.say(
		denied("ExpiredToken", forbidden, oldToken),
		denied("RequestExpired", badRequest, "Request has expired."),
		denied("ExpiredTokenException", badRequest, oldToken))
}

func (d denial) mismatch() error {
	return d.say(
		denied("SignatureDoesNotMatch", forbidden, notMatched),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("InvalidSignatureException", badRequest, notMatched))
}

// scope refuses a signature that was made for another service.
func (d denial) scope(service string) error {
	message := "Credential should be scoped to correct service: '" + service + "'. "
	return d.say(
		denied("SignatureDoesNotMatch", forbidden, message),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("InvalidSignatureException", badRequest, message))
}

// time refuses a signature that is too old or from the future.
func (d denial) time(s *sigv4.Signature, now time.Time, early bool) error {
	const layout = "20060102T150405Z"
	what, relation, sign, edge := "expired", "earlier", "-", now.Add(-sigv4.Skew)
	if early {
		what, relation, sign, edge = "not yet current", "later", "+", now.Add(sigv4.Skew)
	}
	message := "Signature " + what + ": " + s.Time.Format(layout) + " is now " + relation + " than " + edge.UTC().Format(layout) +
		" (" + now.UTC().Format(layout) + " " + sign + " 15 min.)"
	return d.say(
		denied("SignatureDoesNotMatch", forbidden, message),
		denied("RequestExpired", badRequest, "Request has expired."),
		denied("InvalidSignatureException", badRequest, message))
}
