package s3

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/object"
)

// source is what is copied.
type source struct {
	bucket, key string
	version     *string
}

// parseSource reads x-amz-copy-source: bucket/key, URL-encoded, with ?versionId= behind.
func parseSource(header string) (src source, err error) {
	path, query, _ := strings.Cut(header, "?")
	if id, ok := strings.CutPrefix(query, "versionId="); ok && id != "" {
		src.version = &id
	} else if query != "" {
		path = header // a question mark of the key's own
	}
	if strings.HasPrefix(path, "arn:") {
		return src, awserr.NotImplemented("copies from access points")
	}
	if path, err = url.PathUnescape(strings.TrimPrefix(path, "/")); err != nil {
		return src, invalidArgument("x-amz-copy-source", header, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	var ok bool
	if src.bucket, src.key, ok = strings.Cut(path, "/"); !ok || src.bucket == "" || src.key == "" {
		return src, invalidArgument("x-amz-copy-source", header, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return src, nil
}

// openSource opens what is to be copied, if the caller may read it and its conditions hold.
func (s *Service) openSource(ctx context.Context, header string, expectedOwner *string, p preconditions) (src source, b *object.Bucket, v *object.Version, c *object.Content, err error) {
	if src, err = parseSource(header); err != nil {
		return src, nil, nil, nil, err
	}
	if b, err = s.openVersion(ctx, wish{&src.bucket, expectedOwner, &src.key, "s3:GetObject"}, src.version); err != nil {
		return src, nil, nil, nil, err
	}
	if v, c, err = s.engine.Get(ctx, b, src.key, text(src.version)); err != nil {
		return src, nil, nil, nil, fail(err, b.Name, src.key)
	}
	p.prefix, p.notModifiedIsFail = "x-amz-copy-source-", true
	err = shown(v, b, nil)
	if err == nil {
		err = p.check(v)
	}
	if err != nil {
		return src, nil, nil, nil, errors.Join(err, c.Close())
	}
	return src, b, v, c, nil
}

// CopyObject makes an object of another one's content.
func (s *Service) CopyObject(ctx context.Context, in *s3api.CopyObjectInput) (_ *s3api.CopyObjectOutput, err error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"})
	if err != nil {
		return nil, err
	}
	src, from, v, content, err := s.openSource(ctx, *in.CopySource, in.ExpectedSourceBucketOwner, preconditions{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch,
		modifiedSince: in.CopySourceIfModifiedSince, unmodifiedSince: in.CopySourceIfUnmodifiedSince,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	if err := copyable(v.Size); err != nil {
		return nil, err
	}
	a, err := s.attributes(b, aws.From(ctx).Account, in)
	if err != nil {
		return nil, err
	}
	replace := aws.Val(in.MetadataDirective) == "REPLACE"
	same := src.bucket == b.Name && src.key == *in.Key && v.Current
	if same && !replace && in.StorageClass == nil && in.WebsiteRedirectLocation == nil && in.ServerSideEncryption == nil && aws.Val(in.TaggingDirective) != "REPLACE" && in.ChecksumAlgorithm == nil {
		return nil, errInvalidRequest.New("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replace {
		given := a
		a = v.Attributes
		a.Tags, a.Grants, a.Owner, a.Redirect, a.StorageClass, a.Parts = given.Tags, given.Grants, given.Owner, given.Redirect, given.StorageClass, nil
	}
	if aws.Val(in.TaggingDirective) != "REPLACE" {
		a.Tags = v.Tags
	}
	c, err := condition(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	made, err := s.copy(b, *in.Key, v, content, a, c, in.ChecksumAlgorithm)
	if err != nil {
		return nil, written(err, c, b, *in.Key)
	}
	result := &s3api.CopyObjectResult{ETag: quoted(made.ETag), LastModified: &made.Modified, ChecksumType: opt(made.Checksum.Type)}
	setChecksum(result, made.Checksum.Algorithm, made.Checksum.Sum)
	return &s3api.CopyObjectOutput{
		CopyObjectResult: result, VersionId: s.newID(b, made), CopySourceVersionId: versionID(from, v),
		ServerSideEncryption: new(encryptionAES), Expiration: s.expiration(b, made),
	}, nil
}

// copy puts a copy of v. The files are shared where entity tag and checksum stay what they are; else the content is read for them.
func (s *Service) copy(b *object.Bucket, key string, v *object.Version, content *object.Content, a object.Attributes, c object.Condition, algorithm *string) (*object.Version, error) {
	want := v.Checksum.Algorithm
	if algorithm != nil {
		named, ok := checksum.Parse(*algorithm)
		if !ok {
			return nil, awserr.NotImplemented("checksum algorithm " + *algorithm)
		}
		want = named
	}
	if len(v.Parts) == 0 && want == v.Checksum.Algorithm && v.Checksum.Sum != nil {
		d, err := s.engine.Clone(content)
		if err != nil {
			return nil, err
		}
		defer d.Discard()
		a.Checksum = v.Checksum
		return s.engine.PutCopy(b, key, v.ETag, d, a, c)
	}
	if want == "" {
		want = checksum.CRC64NVME
	}
	d, err := s.engine.Receive(content, want)
	if err != nil {
		return nil, err
	}
	defer d.Discard()
	a.Checksum = object.Checksum{Algorithm: want, Sum: d.Sums[want], Type: object.FullObject}
	return s.engine.Put(b, key, d, a, c)
}

// copyable refuses to copy more at a time than can be written at a time.
func copyable(size int64) error {
	if size > maxPut {
		return errInvalidRequest.New("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	return nil
}

// copiedRange reads x-amz-copy-source-range, which has to be within the source: "bytes=first-last".
func copiedRange(text string, size int64) (span, error) {
	const name = "x-amz-copy-source-range"
	list, isBytes := strings.CutPrefix(text, "bytes=")
	from, to, _ := strings.Cut(list, "-")
	first, err1 := strconv.ParseUint(from, 10, 63)
	last, err2 := strconv.ParseUint(to, 10, 63)
	if !isBytes || err1 != nil || err2 != nil || first > last {
		return span{}, invalidArgument(name, text, "The %s value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", name)
	}
	if int64(last) >= size {
		return span{}, invalidArgument(name, text, "Range specified is not valid for source object of size: %d", size)
	}
	return span{int64(first), int64(last-first) + 1}, nil
}

// UploadPartCopy makes a part of another object's content.
func (s *Service) UploadPartCopy(ctx context.Context, in *s3api.UploadPartCopyInput) (_ *s3api.UploadPartCopyOutput, err error) {
	b, u, err := s.part(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"}, *in.UploadId, *in.PartNumber)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	_, from, v, content, err := s.openSource(ctx, *in.CopySource, in.ExpectedSourceBucketOwner, preconditions{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch,
		modifiedSince: in.CopySourceIfModifiedSince, unmodifiedSince: in.CopySourceIfUnmodifiedSince,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	part := span{0, v.Size}
	if in.CopySourceRange != nil {
		if part, err = copiedRange(*in.CopySourceRange, v.Size); err != nil {
			return nil, err
		}
	}
	if err := copyable(part.length); err != nil {
		return nil, err
	}
	content.Range(part.start, part.length)
	algorithm := algorithmOf(u)
	d, err := s.engine.Receive(content, algorithm)
	if err != nil {
		return nil, err
	}
	defer d.Discard()
	p, err := s.engine.PutPart(b, *in.Key, u.ID, int(*in.PartNumber), d)
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	result := &s3api.CopyPartResult{ETag: quoted(p.ETag), LastModified: &p.Modified}
	setChecksum(result, algorithm, p.Sums[algorithm])
	return &s3api.UploadPartCopyOutput{CopyPartResult: result, CopySourceVersionId: versionID(from, v), ServerSideEncryption: new(encryptionAES)}, nil
}
