package s3

import (
	"context"
	"slices"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/object"
)

// GetObjectAttributes tells of an object what is asked for.
func (s *Service) GetObjectAttributes(ctx context.Context, in *s3api.GetObjectAttributesInput) (*s3api.GetObjectAttributesOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObjectAttributes"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	v, err := s.head(ctx, b, *in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := &s3api.GetObjectAttributesOutput{LastModified: &v.Modified, VersionId: versionID(b, v)}
	asked := func(name string) bool { return slices.Contains(in.ObjectAttributes, name) }
	if asked("ETag") {
		out.ETag = &v.ETag
	}
	if asked("ObjectSize") {
		out.ObjectSize = &v.Size
	}
	if asked("StorageClass") {
		out.StorageClass = listedClass(v.StorageClass)
	}
	if asked("Checksum") && v.Checksum.Sum != nil {
		out.Checksum = &s3api.Checksum{ChecksumType: &v.Checksum.Type}
		setChecksum(out.Checksum, v.Checksum.Algorithm, v.Checksum.Sum)
	}
	if asked("ObjectParts") && len(v.Parts) > 0 {
		if out.ObjectParts, err = objectParts(v, in); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func objectParts(v *object.Version, in *s3api.GetObjectAttributesInput) (*s3api.GetObjectAttributesParts, error) {
	limit, err := limitOf("max-parts", in.MaxParts)
	if err != nil {
		return nil, err
	}
	after := aws.Val(in.PartNumberMarker)
	out := &s3api.GetObjectAttributesParts{
		TotalPartsCount: new(int32(len(v.Parts))), PartNumberMarker: &after, NextPartNumberMarker: &after, MaxParts: new(int32(limit)), IsTruncated: new(false),
	}
	for i := range v.Parts {
		p := &v.Parts[i]
		if int32(p.Number) <= after {
			continue
		}
		if len(out.Parts) == limit {
			out.IsTruncated = new(true)
			break
		}
		item := s3api.ObjectPart{PartNumber: new(int32(p.Number)), Size: &p.Size}
		setChecksum(&item, v.Checksum.Algorithm, p.Sums[v.Checksum.Algorithm])
		out.Parts = append(out.Parts, item)
		out.NextPartNumberMarker = item.PartNumber
	}
	return out, nil
}
