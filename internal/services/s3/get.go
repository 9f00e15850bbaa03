package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/object"
)

// head finds a version that is to be shown; delete markers are errors.
func (s *Service) head(ctx context.Context, b *object.Bucket, key string, id *string) (*object.Version, error) {
	v, err := s.engine.Head(ctx, b, key, text(id))
	if err != nil {
		return nil, fail(err, b.Name, key)
	}
	return v, shown(v, b, id)
}

// shown is the error that a delete marker is.
func shown(v *object.Version, b *object.Bucket, id *string) error {
	if !v.Marker {
		return nil
	}
	var e *awserr.Error
	if id != nil {
		e = errMethodNotAllowed.New("The specified method is not allowed against this resource.").WithHeader("Last-Modified", v.Modified.Format(http.TimeFormat))
	} else {
		e = s3api.ErrNoSuchKey.New("The specified key does not exist.").With("Key", v.Key)
	}
	return e.WithHeader("X-Amz-Delete-Marker", "true").WithHeader("X-Amz-Version-Id", v.ID)
}

// preconditions are the conditions of a read, or of the source of a copy.
type preconditions struct {
	match, noneMatch  *string
	modifiedSince     *time.Time
	unmodifiedSince   *time.Time
	prefix            string // of the headers' names
	notModifiedIsFail bool
}

func (p preconditions) check(v *object.Version) error {
	unmodified := p.unmodifiedSince == nil || !v.Modified.After(*p.unmodifiedSince)
	switch {
	case p.match != nil && !tagListed(*p.match, v.ETag):
		return unmet(p.prefix + "If-Match")
	case p.match == nil && !unmodified: // If-Match, where it holds, outweighs the date
		return unmet(p.prefix + "If-Unmodified-Since")
	}
	name := ""
	switch {
	case p.noneMatch != nil && tagListed(*p.noneMatch, v.ETag):
		name = "If-None-Match"
	case p.noneMatch == nil && p.modifiedSince != nil && !v.Modified.After(*p.modifiedSince):
		name = "If-Modified-Since"
	}
	switch {
	case name == "":
		return nil
	case p.notModifiedIsFail:
		return unmet(p.prefix + name)
	}
	return errNotModified.New("Not Modified").WithHeader("ETag", *quoted(v.ETag)).WithHeader("Last-Modified", v.Modified.Format(http.TimeFormat))
}

// tagListed says whether an entity tag is among those of a header.
func tagListed(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || unquoted(tag) == etag {
			return true
		}
	}
	return false
}

// span is a stretch of an object.
type span struct{ start, length int64 }

// parseRange reads a Range header. ok is false where it asks for no single stretch of octets: the whole object is the answer.
func parseRange(header string, size int64) (r span, ok bool, err error) {
	text, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, has := strings.Cut(text, "-")
	if !isBytes || !has || strings.Contains(text, ",") {
		return r, false, nil
	}
	unsatisfiable := errInvalidRange.New("The requested range is not satisfiable").With("RangeRequested", header).With("ActualObjectSize", size).
		WithHeader("Content-Range", fmt.Sprintf("bytes */%d", size))
	if first == "" {
		n, isNumber := octets(last)
		switch {
		case !isNumber:
			return r, false, nil
		case n == 0 || size == 0:
			return r, false, unsatisfiable
		}
		n = min(n, size)
		return span{size - n, n}, true, nil
	}
	start, isNumber := octets(first)
	if !isNumber {
		return r, false, nil
	}
	end := size - 1
	if last != "" {
		if end, isNumber = octets(last); !isNumber || end < start {
			return r, false, nil
		}
	}
	if start >= size {
		return r, false, unsatisfiable
	}
	return span{start, min(end, size-1) - start + 1}, true, nil
}

// octets reads a position in an object: digits alone (RFC 9110, section 14.1.1). One that is too large is the largest there is.
func octets(s string) (int64, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

// partSpan is where a part of a multipart upload lies in its object. An object of another kind has one part.
func partSpan(v *object.Version, number int) (span, error) {
	if len(v.Parts) == 0 && number == 1 {
		return span{0, v.Size}, nil
	}
	at := int64(0)
	for i, p := range v.Parts {
		if i+1 == number {
			return span{at, p.Size}, nil
		}
		at += p.Size
	}
	return span{}, errInvalidPartNumber()
}

func errInvalidPartNumber() error {
	return awserr.New("InvalidPartNumber", http.StatusRequestedRangeNotSatisfiable, "The requested partnumber is not satisfiable")
}

// HeadObject tells all of an object but its content.
func (s *Service) HeadObject(ctx context.Context, in *s3api.HeadObjectInput) (*s3api.HeadObjectOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObject"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	v, err := s.engine.Head(ctx, b, *in.Key, text(in.VersionId))
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	out, _, err := s.describe(b, v, in)
	return out, err
}

// GetObject reads an object.
func (s *Service) GetObject(ctx context.Context, in *s3api.GetObjectInput) (*s3api.GetObjectOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObject"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	v, content, err := s.engine.Get(ctx, b, *in.Key, text(in.VersionId))
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	head, part, err := s.describe(b, v, (*s3api.HeadObjectInput)(in))
	if err != nil {
		if closing := content.Close(); closing != nil {
			s.log.Warn("closing an object", "error", closing)
		}
		return nil, err
	}
	content.Range(part.start, part.length)
	out := &s3api.GetObjectOutput{Body: content}
	copyMembers(out, head)
	out.Body = content
	return out, nil
}

// describe is the answer to a read, and the stretch of the object that is asked for.
func (s *Service) describe(b *object.Bucket, v *object.Version, in *s3api.HeadObjectInput) (*s3api.HeadObjectOutput, span, error) {
	whole := span{0, v.Size}
	if err := shown(v, b, in.VersionId); err != nil {
		return nil, whole, err
	}
	if err := (preconditions{
		match: in.IfMatch, noneMatch: in.IfNoneMatch, modifiedSince: in.IfModifiedSince, unmodifiedSince: in.IfUnmodifiedSince,
	}).check(v); err != nil {
		return nil, whole, err
	}
	part, partial := whole, false
	var err error
	switch {
	case in.PartNumber != nil && in.Range != nil:
		return nil, whole, errInvalidRequest.New("Cannot specify both Range header and partNumber query parameter")
	case in.PartNumber != nil:
		partial = true
		part, err = partSpan(v, int(*in.PartNumber))
	case in.Range != nil:
		var asked span
		if asked, partial, err = parseRange(*in.Range, v.Size); partial {
			part = asked
		}
	}
	if err != nil {
		return nil, whole, err
	}
	out := &s3api.HeadObjectOutput{
		AcceptRanges: new("bytes"), LastModified: &v.Modified, ContentLength: &part.length, ETag: quoted(v.ETag), VersionId: versionID(b, v),
		CacheControl: opt(v.CacheControl), ContentDisposition: opt(v.ContentDisposition), ContentEncoding: opt(v.ContentEncoding),
		ContentLanguage: opt(v.ContentLanguage), ContentType: new(contentType(v.ContentType)), Expires: opt(v.Expires),
		WebsiteRedirectLocation: opt(v.Redirect), Metadata: v.Metadata, StorageClass: shownClass(v.StorageClass),
		ServerSideEncryption: new(encryptionAES), Expiration: s.expiration(b, v),
	}
	if len(v.Tags) > 0 {
		out.TagCount = new(int32(len(v.Tags)))
	}
	if in.PartNumber != nil && len(v.Parts) > 0 {
		out.PartsCount = new(int32(len(v.Parts)))
	}
	if partial && v.Size > 0 {
		out.ContentRange = new(fmt.Sprintf("bytes %d-%d/%d", part.start, part.start+part.length-1, v.Size))
	}
	if aws.Val(in.ChecksumMode) == "ENABLED" && part == whole && v.Checksum.Sum != nil {
		stateChecksum(out, v.Checksum, len(v.Parts))
		out.ChecksumType = &v.Checksum.Type
	}
	override(out, in)
	return out, part, nil
}

func contentType(kept string) string {
	if kept == "" {
		return "binary/octet-stream"
	}
	return kept
}

// stateChecksum states an object's checksum. One that is made of the parts' says of how many.
func stateChecksum(out any, c object.Checksum, parts int) {
	if c.Sum == nil {
		return
	}
	setChecksum(out, c.Algorithm, c.Sum)
	if c.Type == object.Composite {
		appendText(out, "Checksum"+string(c.Algorithm), fmt.Sprintf("-%d", parts))
	}
}

// override sets headers of the answer as the request's query string asks for.
func override(out *s3api.HeadObjectOutput, in *s3api.HeadObjectInput) {
	for _, o := range []struct {
		to   **string
		from *string
	}{
		{&out.CacheControl, in.ResponseCacheControl},
		{&out.ContentDisposition, in.ResponseContentDisposition},
		{&out.ContentEncoding, in.ResponseContentEncoding},
		{&out.ContentLanguage, in.ResponseContentLanguage},
		{&out.ContentType, in.ResponseContentType},
	} {
		if o.from != nil {
			*o.to = o.from
		}
	}
	if in.ResponseExpires != nil {
		out.Expires = new(in.ResponseExpires.UTC().Format(http.TimeFormat))
	}
}
