package gateway

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
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
	if s == nil && x.service.BucketHosts {
		x.call.Anonymous = true
		return nil
	}
	if s == nil {
		if g.config.Enforce && !x.info.Unsigned {
			return x.denial().unsigned()
		}
		return nil
	}
	x.call.AccessKeyID, x.call.Region = s.AccessKeyID, cmp.Or(s.Region, g.config.Region)
	if g.config.Keys != nil {
		if key, ok := g.config.Keys.Lookup(s.AccessKeyID); ok {
			return g.verify(x, key)
		}
	}
	if g.config.Enforce {
		return x.denial().unknownKey()
	}
	if x.service.BucketHosts && s.Presigned { // it ends for everybody
		if err := s.CheckTime(x.call.Now); err != nil {
			return x.denial().time(s, x.call.Now, errors.Is(err, sigv4.ErrEarly))
		}
	}
	if isAccount(s.AccessKeyID) {
		x.call.Account = s.AccessKeyID
	}
	return nil
}

func (g *Gateway) verify(x *exchange, key Key) error {
	s, denied := x.signature, x.denial()
	switch {
	case key.Inactive:
		return denied.unknownKey()
	case subtle.ConstantTimeCompare([]byte(key.Token), []byte(s.Token)) == 0:
		return denied.badToken()
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
	verify := func() error { return s.Verify(x.http, x.query, key.Secret, x.payloadHash(), x.call.Now) }
	if s.Legacy() {
		verify = func() error { return s.VerifyLegacy(x.http, x.path, x.query, key.Secret, x.call.Now) }
	}
	switch err := verify(); {
	case errors.Is(err, sigv4.ErrExpired), errors.Is(err, sigv4.ErrEarly):
		return denied.time(s, x.call.Now, errors.Is(err, sigv4.ErrEarly))
	case err != nil:
		return denied.mismatch()
	}
	x.call.Account, x.call.Principal = key.Account, key.Principal
	if x.service.BucketHosts {
		x.chain = s.Chain(key.Secret)
	}
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
type denial struct {
	codec     codec
	buckets   bool // S3 has words of its own
	presigned bool
}

func (x *exchange) denial() denial {
	return denial{x.codec, x.service != nil && x.service.BucketHosts, x.http.Header.Get("Authorization") == ""}
}

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
	if d.buckets && d.presigned {
		return denied("AuthorizationQueryParametersError", badRequest, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	if d.buckets {
		return denied("AuthorizationHeaderMalformed", badRequest, "The authorization header that you provided is not valid.")
	}
	const message = "The request signature does not conform to AWS standards."
	return d.say(
		denied("IncompleteSignature", badRequest, message),
		denied("IncompleteSignature", badRequest, message),
		denied("IncompleteSignatureException", badRequest, message))
}

// algorithm refuses signatures of another kind than version 4.
func (d denial) algorithm(err error) error {
	if strings.HasSuffix(err.Error(), sigv4.AlgorithmV4A) {
		return awserr.NotImplemented("signature version 4A (" + sigv4.AlgorithmV4A + ")")
	}
	if d.buckets {
		return denied("InvalidRequest", badRequest, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	return d.incomplete()
}

func (d denial) badToken() error {
	if d.buckets {
		return denied("InvalidToken", badRequest, "The provided token is malformed or otherwise not valid.")
	}
	return d.unknownKey()
}

func (d denial) unknownKey() error {
	if d.buckets {
		return denied("InvalidAccessKeyId", forbidden, "The AWS Access Key Id you provided does not exist in our records.")
	}
	return d.say(
		denied("InvalidClientTokenId", forbidden, badToken),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("UnrecognizedClientException", badRequest, badToken))
}

func (d denial) expiredToken() error {
	if d.buckets {
		return denied("ExpiredToken", badRequest, "The provided token has expired.")
	}
	return d.say(
		denied("ExpiredToken", forbidden, oldToken),
		denied("RequestExpired", badRequest, "Request has expired."),
		denied("ExpiredTokenException", badRequest, oldToken))
}

func (d denial) mismatch() error {
	if d.buckets {
		return denied("SignatureDoesNotMatch", forbidden, "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return d.say(
		denied("SignatureDoesNotMatch", forbidden, notMatched),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("InvalidSignatureException", badRequest, notMatched))
}

// scope refuses a signature that was made for another service.
func (d denial) scope(service string) error {
	if d.buckets {
		return denied("AuthorizationHeaderMalformed", badRequest, "The authorization header is malformed; incorrect service. This endpoint belongs to \""+service+"\".")
	}
	message := "Credential should be scoped to correct service: '" + service + "'. "
	return d.say(
		denied("SignatureDoesNotMatch", forbidden, message),
		denied("AuthFailure", http.StatusUnauthorized, authFailed),
		denied("InvalidSignatureException", badRequest, message))
}

// time refuses a signature that is too old or from the future.
func (d denial) time(s *sigv4.Signature, now time.Time, early bool) error {
	switch {
	case d.buckets && s.Presigned && early:
		return denied("AccessDenied", forbidden, "Request is not valid yet")
	case d.buckets && s.Presigned:
		return denied("AccessDenied", forbidden, "Request has expired")
	case d.buckets:
		return denied("RequestTimeTooSkewed", forbidden, "The difference between the request time and the current time is too large.")
	}
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
