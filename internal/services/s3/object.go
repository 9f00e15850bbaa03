package s3

import (
	"context"
	"errors"
	"strings"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/object"
)

// maxMetadata is how many octets user-defined metadata may have.
const maxMetadata = 2 << 10

// plainEncoding is a Content-Encoding without the one that is only about the way here.
func plainEncoding(text string) string {
	var kept []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

func text(p *string) string { return aws.Val(p) }

// condition reads If-Match and If-None-Match of a write.
func condition(match, noneMatch *string) (c object.Condition, err error) {
	if noneMatch != nil {
		if *noneMatch != "*" {
			return c, awserr.NotImplemented("If-None-Match with an entity tag, in writes")
		}
		c.NoneMatch = true
	}
	if match != nil {
		c.Match = unquoted(*match)
	}
	return c, nil
}

// written words the error of a conditional write.
func written(err error, c object.Condition, b *object.Bucket, key string) error {
	if errors.Is(err, object.ErrCondition) {
		if c.NoneMatch {
			return unmet("If-None-Match")
		}
		return unmet("If-Match")
	}
	return fail(err, b.Name, key)
}

// versionID is a version's id as headers tell it: only where the bucket has versions.
func versionID(b *object.Bucket, v *object.Version) *string {
	if b.Versioning == "" {
		return nil
	}
	return opt(v.ID)
}

// PutObject stores an object.
func (s *Service) PutObject(ctx context.Context, in *s3api.PutObjectInput) (*s3api.PutObjectOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"})
	if err != nil {
		return nil, err
	}
	if in.WriteOffsetBytes != nil {
		return nil, awserr.NotImplemented("appending to objects (WriteOffsetBytes)")
	}
	a, err := s.attributes(b, aws.From(ctx).Account, in)
	if err != nil {
		return nil, err
	}
	c, err := condition(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	u, err := uploadOf(in, in.Body, checksum.CRC64NVME)
	if err != nil {
		return nil, err
	}
	d, err := u.receive(s.engine)
	if err != nil {
		return nil, err
	}
	defer d.Discard()
	a.Checksum = u.kept(d)
	v, err := s.engine.Put(b, *in.Key, d, a, c)
	if err != nil {
		return nil, written(err, c, b, *in.Key)
	}
	out := &s3api.PutObjectOutput{
		ETag: quoted(v.ETag), VersionId: s.newID(b, v), ServerSideEncryption: new(encryptionAES), Expiration: s.expiration(b, v),
		ChecksumType: new(object.FullObject),
	}
	setChecksum(out, a.Checksum.Algorithm, a.Checksum.Sum)
	return out, nil
}

// newID is the id of a version just made, where its bucket makes versions.
func (s *Service) newID(b *object.Bucket, v *object.Version) *string {
	if v.ID == object.NullVersion && b.Versioning == "" {
		return nil
	}
	return opt(v.ID)
}

// DeleteObject deletes an object, or one version of it.
func (s *Service) DeleteObject(ctx context.Context, in *s3api.DeleteObjectInput) (*s3api.DeleteObjectOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:DeleteObject"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	if in.IfMatchLastModifiedTime != nil || in.IfMatchSize != nil {
		return nil, awserr.NotImplemented("conditional deletes of directory buckets (IfMatchLastModifiedTime, IfMatchSize)")
	}
	c, err := condition(in.IfMatch, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.engine.Delete(b, *in.Key, text(in.VersionId), c)
	if err != nil {
		return nil, written(err, c, b, *in.Key)
	}
	out := &s3api.DeleteObjectOutput{VersionId: opt(d.ID)}
	if d.Marker {
		out.DeleteMarker = new(true)
	}
	return out, nil
}

// maxDeletes is how many objects one DeleteObjects may name.
const maxDeletes = 1000

// DeleteObjects deletes many objects, each for itself.
func (s *Service) DeleteObjects(ctx context.Context, in *s3api.DeleteObjectsInput) (*s3api.DeleteObjectsOutput, error) {
	if _, err := s.engine.Bucket(s.store.View(), *in.Bucket); err != nil {
		return nil, fail(err, *in.Bucket, "")
	}
	if n := len(in.Delete.Objects); n == 0 || n > maxDeletes {
		return nil, malformed()
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	out := &s3api.DeleteObjectsOutput{}
	for i := range in.Delete.Objects {
		o := &in.Delete.Objects[i]
		d, err := s.deleteOne(ctx, in, o)
		if err != nil {
			e, ok := errors.AsType[*awserr.Error](err)
			if !ok {
				return nil, err
			}
			out.Errors = append(out.Errors, s3api.Error{Key: o.Key, VersionId: o.VersionId, Code: &e.Code, Message: &e.Message})
			continue
		}
		if aws.Val(in.Delete.Quiet) {
			continue
		}
		done := s3api.DeletedObject{Key: o.Key, VersionId: o.VersionId}
		if d.Marker {
			done.DeleteMarker, done.DeleteMarkerVersionId = new(true), &d.ID
		}
		out.Deleted = append(out.Deleted, done)
	}
	return out, nil
}

func (s *Service) deleteOne(ctx context.Context, in *s3api.DeleteObjectsInput, o *s3api.ObjectIdentifier) (d object.Deleted, err error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, o.Key, "s3:DeleteObject"}, o.VersionId)
	if err != nil {
		return d, err
	}
	if o.LastModifiedTime != nil || o.Size != nil {
		return d, awserr.NotImplemented("conditional deletes of directory buckets (LastModifiedTime, Size)")
	}
	c, err := condition(o.ETag, nil)
	if err != nil {
		return d, err
	}
	d, err = s.engine.Delete(b, *o.Key, text(o.VersionId), c)
	return d, written(err, c, b, *o.Key)
}
