package s3

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/object"
)

// maxPage is the most that one list holds.
const maxPage = 1000

// limitOf is the number of items that a list may have.
func limitOf(name string, asked *int32) (int, error) {
	switch {
	case asked == nil || *asked > maxPage:
		return maxPage, nil
	case *asked < 0:
		return 0, invalidArgument(name, fmt.Sprint(*asked), "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return int(*asked), nil
}

// encoding writes keys in lists: as they are, or URL-encoded, since XML can't carry every key.
type encoding func(string) string

func encoder(kind *string) encoding {
	if kind == nil {
		return func(s string) string { return s }
	}
	return urlEncode
}

func (e encoding) opt(p *string) *string {
	if p == nil {
		return nil
	}
	return new(e(*p))
}

// urlEncode encodes all but what may stand in a path.
func urlEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~/*", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
	}
	return b.String()
}

func commonPrefixes(prefixes []string, e encoding) (out []s3api.CommonPrefix) {
	for _, p := range prefixes {
		out = append(out, s3api.CommonPrefix{Prefix: new(e(p))})
	}
	return out
}

// list asks the engine for a page; no items are no question.
func (s *Service) list(ctx context.Context, b *object.Bucket, q object.ListQuery, pages func(context.Context, *object.Bucket, object.ListQuery) (*object.Page, error)) (*object.Page, error) {
	if q.Limit == 0 {
		return &object.Page{}, nil
	}
	p, err := pages(ctx, b, q)
	return p, fail(err, b.Name, q.After)
}

func contents(p *object.Page, e encoding, withOwner *s3api.Owner) (out []s3api.Object) {
	for _, v := range p.Objects {
		o := s3api.Object{
			Key: new(e(v.Key)), LastModified: &v.Modified, ETag: quoted(v.ETag), Size: &v.Size, StorageClass: listedClass(v.StorageClass), Owner: withOwner,
		}
		if v.Checksum.Algorithm != "" {
			o.ChecksumAlgorithm, o.ChecksumType = []string{string(v.Checksum.Algorithm)}, &v.Checksum.Type
		}
		out = append(out, o)
	}
	return out
}

// ListObjects lists objects as the first version of the API did.
func (s *Service) ListObjects(ctx context.Context, in *s3api.ListObjectsInput) (*s3api.ListObjectsOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:ListBucket"})
	if err != nil {
		return nil, err
	}
	limit, err := limitOf("maxKeys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	p, err := s.list(ctx, b, object.ListQuery{Prefix: text(in.Prefix), Delimiter: text(in.Delimiter), After: text(in.Marker), Limit: limit}, s.engine.List)
	if err != nil {
		return nil, err
	}
	e := encoder(in.EncodingType)
	out := &s3api.ListObjectsOutput{
		Name: &b.Name, Prefix: new(e(text(in.Prefix))), Marker: new(e(text(in.Marker))), Delimiter: e.opt(in.Delimiter), MaxKeys: new(int32(limit)),
		IsTruncated: &p.Truncated, EncodingType: in.EncodingType, Contents: contents(p, e, owner(b.Account)), CommonPrefixes: commonPrefixes(p.Prefixes, e),
	}
	if p.Truncated && in.Delimiter != nil {
		out.NextMarker = new(e(p.Next))
	}
	return out, nil
}

// ListObjectsV2 lists objects.
func (s *Service) ListObjectsV2(ctx context.Context, in *s3api.ListObjectsV2Input) (*s3api.ListObjectsV2Output, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:ListBucket"})
	if err != nil {
		return nil, err
	}
	limit, err := limitOf("maxKeys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	q := object.ListQuery{Prefix: text(in.Prefix), Delimiter: text(in.Delimiter), After: text(in.StartAfter), Limit: limit}
	if in.ContinuationToken != nil {
		if q.After, err = fromToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	p, err := s.list(ctx, b, q, s.engine.List)
	if err != nil {
		return nil, err
	}
	e := encoder(in.EncodingType)
	var shownOwner *s3api.Owner
	if aws.Val(in.FetchOwner) {
		shownOwner = owner(b.Account)
	}
	out := &s3api.ListObjectsV2Output{
		Name: &b.Name, Prefix: new(e(text(in.Prefix))), Delimiter: e.opt(in.Delimiter), MaxKeys: new(int32(limit)), KeyCount: new(int32(len(p.Objects) + len(p.Prefixes))),
		IsTruncated: &p.Truncated, EncodingType: in.EncodingType, Contents: contents(p, e, shownOwner), CommonPrefixes: commonPrefixes(p.Prefixes, e),
		StartAfter: e.opt(in.StartAfter), ContinuationToken: in.ContinuationToken,
	}
	if p.Truncated {
		out.NextContinuationToken = new(tokenPrefix + base64.URLEncoding.EncodeToString([]byte(p.Next)))
	}
	return out, nil
}

// tokenPrefix tells our tokens from anything else a client may send.
const tokenPrefix = "1"

func fromToken(token string) (string, error) {
	rest, ours := strings.CutPrefix(token, tokenPrefix)
	key, err := base64.URLEncoding.DecodeString(rest)
	if !ours || err != nil {
		return "", invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
	}
	return string(key), nil
}

// ListObjectVersions lists all versions of objects.
func (s *Service) ListObjectVersions(ctx context.Context, in *s3api.ListObjectVersionsInput) (*s3api.ListObjectVersionsOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:ListBucketVersions"})
	if err != nil {
		return nil, err
	}
	limit, err := limitOf("maxKeys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	if text(in.VersionIdMarker) != "" && text(in.KeyMarker) == "" {
		return nil, invalidArgument("version-id-marker", *in.VersionIdMarker, "A version-id marker cannot be specified without a key marker.")
	}
	p, err := s.list(ctx, b, object.ListQuery{
		Prefix: text(in.Prefix), Delimiter: text(in.Delimiter), After: text(in.KeyMarker), Version: text(in.VersionIdMarker), Limit: limit,
	}, s.engine.ListVersions)
	if err != nil {
		return nil, err
	}
	e := encoder(in.EncodingType)
	out := &s3api.ListObjectVersionsOutput{
		Name: &b.Name, Prefix: new(e(text(in.Prefix))), KeyMarker: new(e(text(in.KeyMarker))), VersionIdMarker: new(text(in.VersionIdMarker)),
		Delimiter: e.opt(in.Delimiter), MaxKeys: new(int32(limit)), IsTruncated: &p.Truncated, EncodingType: in.EncodingType, CommonPrefixes: commonPrefixes(p.Prefixes, e),
	}
	for _, v := range p.Objects {
		if v.Marker {
			out.DeleteMarkers = append(out.DeleteMarkers, s3api.DeleteMarkerEntry{
				Key: new(e(v.Key)), VersionId: &v.ID, IsLatest: &v.Current, LastModified: &v.Modified, Owner: owner(b.Account),
			})
			continue
		}
		o := s3api.ObjectVersion{
			Key: new(e(v.Key)), VersionId: &v.ID, IsLatest: &v.Current, LastModified: &v.Modified, ETag: quoted(v.ETag), Size: &v.Size,
			StorageClass: listedClass(v.StorageClass), Owner: owner(b.Account),
		}
		if v.Checksum.Algorithm != "" {
			o.ChecksumAlgorithm, o.ChecksumType = []string{string(v.Checksum.Algorithm)}, &v.Checksum.Type
		}
		out.Versions = append(out.Versions, o)
	}
	if p.Truncated {
		out.NextKeyMarker, out.NextVersionIdMarker = new(e(p.Next)), opt(p.NextID)
	}
	return out, nil
}
