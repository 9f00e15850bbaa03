package s3

import (
	"bytes"
	"context"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/object"
)

// CreateMultipartUpload begins an upload in parts.
func (s *Service) CreateMultipartUpload(ctx context.Context, in *s3api.CreateMultipartUploadInput) (*s3api.CreateMultipartUploadOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"})
	if err != nil {
		return nil, err
	}
	a, err := s.attributes(b, aws.From(ctx).Account, in)
	if err != nil {
		return nil, err
	}
	out := &s3api.CreateMultipartUploadOutput{Bucket: &b.Name, Key: in.Key, ServerSideEncryption: new(encryptionAES)}
	if a.Checksum, err = uploadChecksum(in.ChecksumAlgorithm, in.ChecksumType); err != nil {
		return nil, err
	}
	if a.Checksum.Algorithm != "" {
		out.ChecksumAlgorithm, out.ChecksumType = new(string(a.Checksum.Algorithm)), &a.Checksum.Type
	}
	u, err := s.engine.CreateUpload(b, *in.Key, a)
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	out.UploadId = &u.ID
	return out, nil
}

// uploadChecksum is the checksum that an upload's creator wants of the object.
func uploadChecksum(algorithm, kind *string) (c object.Checksum, err error) {
	if algorithm == nil {
		if kind != nil {
			return c, errInvalidRequest.New("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return c, nil
	}
	a, ok := checksum.Parse(*algorithm)
	if !ok {
		return c, awserr.NotImplemented("checksum algorithm " + *algorithm)
	}
	c = object.Checksum{Algorithm: a, Type: object.Composite}
	if a == checksum.CRC64NVME {
		c.Type = object.FullObject
	}
	if kind != nil {
		c.Type = *kind
	}
	if c.Type == object.FullObject && !a.Full() || c.Type == object.Composite && a == checksum.CRC64NVME {
		return c, errInvalidRequest.New("The %s checksum type cannot be used with the %s checksum algorithm.", c.Type, a)
	}
	return c, nil
}

// algorithmOf is the checksum that parts of an upload are given.
func algorithmOf(u *object.Upload) checksum.Algorithm {
	if u.Checksum.Algorithm == "" {
		return checksum.CRC64NVME
	}
	return u.Checksum.Algorithm
}

// part finds the upload that a part is for.
func (s *Service) part(ctx context.Context, w wish, id string, number int32) (*object.Bucket, *object.Upload, error) {
	b, err := s.open(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	if number < 1 || number > object.MaxParts {
		return nil, nil, invalidArgument("partNumber", "", "Part number must be an integer between 1 and 10000, inclusive")
	}
	u, err := s.engine.Upload(ctx, b, *w.key, id)
	return b, u, fail(err, b.Name, *w.key)
}

// UploadPart stores a part of an upload.
func (s *Service) UploadPart(ctx context.Context, in *s3api.UploadPartInput) (*s3api.UploadPartOutput, error) {
	b, u, err := s.part(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"}, *in.UploadId, *in.PartNumber)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	algorithm := algorithmOf(u)
	content, err := uploadOf(in, in.Body, algorithm)
	if err != nil {
		return nil, err
	}
	if content.stated && u.Checksum.Algorithm != "" && content.algorithm != algorithm {
		return nil, errInvalidRequest.New("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", algorithm, content.algorithm)
	}
	d, err := content.receive(s.engine, algorithm)
	if err != nil {
		return nil, err
	}
	defer d.Discard()
	p, err := s.engine.PutPart(b, *in.Key, u.ID, int(*in.PartNumber), d)
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	out := &s3api.UploadPartOutput{ETag: quoted(p.ETag), ServerSideEncryption: new(encryptionAES)}
	if content.stated || u.Checksum.Algorithm != "" {
		setChecksum(out, content.algorithm, p.Sums[content.algorithm])
	}
	return out, nil
}

// CompleteMultipartUpload makes an object of an upload's parts.
func (s *Service) CompleteMultipartUpload(ctx context.Context, in *s3api.CompleteMultipartUploadInput) (*s3api.CompleteMultipartUploadOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObject"})
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 || len(in.MultipartUpload.Parts) > object.MaxParts {
		return nil, malformed()
	}
	var chosen []object.Chosen
	for i := range in.MultipartUpload.Parts {
		p := &in.MultipartUpload.Parts[i]
		if p.PartNumber == nil || p.ETag == nil {
			return nil, malformed()
		}
		sums, err := checksums(p)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, object.Chosen{Number: int(*p.PartNumber), ETag: unquoted(*p.ETag), Sums: sums})
	}
	c, err := condition(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	whole, err := checksumsOfWhole(in)
	if err != nil {
		return nil, err
	}
	v, err := s.engine.Complete(b, *in.Key, *in.UploadId, chosen, c, func(v *object.Version) error {
		if v.Size > maxObject {
			return errEntityTooLarge.New("Your proposed upload exceeds the maximum allowed size").With("ProposedSize", v.Size).With("MaxSizeAllowed", int64(maxObject))
		}
		if in.MpuObjectSize != nil && *in.MpuObjectSize != v.Size {
			return errInvalidRequest.New("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.MpuObjectSize, v.Size)
		}
		if in.ChecksumType != nil && v.Checksum.Type != "" && *in.ChecksumType != v.Checksum.Type {
			return errInvalidRequest.New("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", v.Checksum.Type)
		}
		if want, ok := whole[v.Checksum.Algorithm]; ok && !bytes.Equal(want, v.Checksum.Sum) {
			return errBadDigest.New("The %s you specified did not match the calculated checksum.", v.Checksum.Algorithm)
		}
		return nil
	})
	if err != nil {
		return nil, written(err, c, b, *in.Key)
	}
	call := aws.From(ctx)
	out := &s3api.CompleteMultipartUploadOutput{
		Bucket: &b.Name, Key: in.Key, ETag: quoted(v.ETag), VersionId: s.newID(b, v), ServerSideEncryption: new(encryptionAES),
		Location: new(call.Scheme + "://" + call.Host + "/" + b.Name + "/" + urlEncode(*in.Key)), Expiration: s.expiration(b, v), ChecksumType: opt(v.Checksum.Type),
	}
	stateChecksum(out, v.Checksum, len(v.Parts))
	return out, nil
}

// checksumsOfWhole are the checksums that a request states of the object. Those made of the parts' end with their number, and
// are compared part by part.
func checksumsOfWhole(in *s3api.CompleteMultipartUploadInput) (map[checksum.Algorithm][]byte, error) {
	if aws.Val(in.ChecksumType) == object.Composite {
		return nil, nil
	}
	for _, a := range checksum.All {
		if bytes.ContainsRune([]byte(textOf(in, "Checksum"+string(a))), '-') {
			return nil, nil
		}
	}
	return checksums(in)
}

// AbortMultipartUpload ends an upload and drops its parts.
func (s *Service) AbortMultipartUpload(ctx context.Context, in *s3api.AbortMultipartUploadInput) (*s3api.AbortMultipartUploadOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:AbortMultipartUpload"})
	if err != nil {
		return nil, err
	}
	if in.IfMatchInitiatedTime != nil {
		return nil, awserr.NotImplemented("conditional aborts of directory buckets (IfMatchInitiatedTime)")
	}
	return nil, fail(s.engine.AbortUpload(b, *in.Key, *in.UploadId), b.Name, *in.Key)
}

// ListParts lists the parts of an upload.
func (s *Service) ListParts(ctx context.Context, in *s3api.ListPartsInput) (*s3api.ListPartsOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:ListMultipartUploadParts"})
	if err != nil {
		return nil, err
	}
	u, err := s.engine.Upload(ctx, b, *in.Key, *in.UploadId)
	if err != nil {
		return nil, fail(err, b.Name, *in.Key)
	}
	limit, err := limitOf("max-parts", in.MaxParts)
	if err != nil {
		return nil, err
	}
	after := aws.Val(in.PartNumberMarker)
	parts, err := s.engine.Parts(ctx, u.ID, int(after), limit+1)
	if err != nil {
		return nil, err
	}
	truncated := len(parts) > limit
	parts = parts[:min(limit, len(parts))]
	out := &s3api.ListPartsOutput{
		Bucket: &b.Name, Key: in.Key, UploadId: &u.ID, PartNumberMarker: &after, MaxParts: new(int32(limit)), IsTruncated: &truncated,
		Owner: owner(b.Account), Initiator: &s3api.Initiator{ID: new(canonicalID(u.Owner))}, StorageClass: listedClass(u.StorageClass), Parts: []s3api.Part{},
	}
	if u.Checksum.Algorithm != "" {
		out.ChecksumAlgorithm, out.ChecksumType = new(string(u.Checksum.Algorithm)), &u.Checksum.Type
	}
	for _, p := range parts {
		item := s3api.Part{PartNumber: new(int32(p.Number)), LastModified: &p.Modified, ETag: quoted(p.ETag), Size: &p.Size}
		setChecksum(&item, algorithmOf(u), p.Sums[algorithmOf(u)])
		out.Parts = append(out.Parts, item)
		out.NextPartNumberMarker = item.PartNumber
	}
	return out, nil
}

// ListMultipartUploads lists uploads under way.
func (s *Service) ListMultipartUploads(ctx context.Context, in *s3api.ListMultipartUploadsInput) (*s3api.ListMultipartUploadsOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:ListBucketMultipartUploads"})
	if err != nil {
		return nil, err
	}
	limit, err := limitOf("max-uploads", in.MaxUploads)
	if err != nil {
		return nil, err
	}
	q := object.ListQuery{Prefix: text(in.Prefix), Delimiter: text(in.Delimiter), After: text(in.KeyMarker), Version: text(in.UploadIdMarker), Limit: limit}
	uploads, prefixes, truncated, err := s.engine.Uploads(ctx, b, q)
	if err != nil {
		return nil, err
	}
	e := encoder(in.EncodingType)
	out := &s3api.ListMultipartUploadsOutput{
		Bucket: &b.Name, KeyMarker: new(e(q.After)), UploadIdMarker: in.UploadIdMarker, Prefix: e.opt(in.Prefix), Delimiter: e.opt(in.Delimiter),
		MaxUploads: new(int32(limit)), IsTruncated: &truncated, EncodingType: in.EncodingType, CommonPrefixes: commonPrefixes(prefixes, e),
	}
	last, id := "", ""
	for _, u := range uploads {
		item := s3api.MultipartUpload{
			UploadId: &u.ID, Key: new(e(u.Key)), Initiated: &u.Created, StorageClass: listedClass(u.StorageClass),
			Owner: owner(b.Account), Initiator: &s3api.Initiator{ID: new(canonicalID(u.Owner))},
		}
		if u.Checksum.Algorithm != "" {
			item.ChecksumAlgorithm, item.ChecksumType = new(string(u.Checksum.Algorithm)), &u.Checksum.Type
		}
		out.Uploads = append(out.Uploads, item)
		last, id = u.Key, u.ID
	}
	if n := len(prefixes); n > 0 && prefixes[n-1] > last {
		last, id = prefixes[n-1], ""
	}
	if truncated {
		out.NextKeyMarker, out.NextUploadIdMarker = new(e(last)), opt(id)
	}
	return out, nil
}
