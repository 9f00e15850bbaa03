package s3

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"unicode/utf8"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/object"
)

// Limits of tags.
const (
	objectTags  = 10
	bucketTags  = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// checkTags turns a set of tags into a map.
func checkTags(set []s3api.Tag, most int) (map[string]string, error) {
	tags := make(map[string]string, len(set))
	for _, t := range set {
		if t.Key == nil || t.Value == nil {
			return nil, malformed()
		}
		key, value := *t.Key, *t.Value
		if _, twice := tags[key]; twice {
			return nil, errInvalidTag.New("Cannot provide multiple Tags with the same key").With("TagKey", key)
		}
		switch n := utf8.RuneCountInString(key); {
		case n == 0 || n > maxTagKey:
			return nil, errInvalidTag.New("The TagKey you have provided is invalid").With("TagKey", key)
		case utf8.RuneCountInString(value) > maxTagValue:
			return nil, errInvalidTag.New("The TagValue you have provided is invalid").With("TagKey", key).With("TagValue", value)
		case len(key) >= 4 && key[:4] == "aws:":
			return nil, errInvalidTag.New("System tags cannot be added/updated by requester").With("TagKey", key)
		}
		tags[key] = value
	}
	if len(tags) > most {
		if most == objectTags {
			return nil, errInvalidTag.New("Object tags cannot be greater than 10")
		}
		return nil, errInvalidTag.New("Bucket tag count cannot be greater than 50")
	}
	return tags, nil
}

// parseTagging reads tags in the form of a query string, as headers carry them.
func parseTagging(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, invalidArgument("x-amz-tagging", text, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var set []s3api.Tag
	for key, values := range query {
		for _, v := range values {
			set = append(set, s3api.Tag{Key: &key, Value: &v})
		}
	}
	return checkTags(set, objectTags)
}

func tagSet(tags map[string]string) []s3api.Tag {
	set := []s3api.Tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, s3api.Tag{Key: &key, Value: new(tags[key])})
	}
	return set
}

// GetBucketTagging reads a bucket's tags.
func (s *Service) GetBucketTagging(ctx context.Context, in *s3api.GetBucketTaggingInput) (*s3api.GetBucketTaggingOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketTagging"})
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, notConfigured("NoSuchTagSet", "The TagSet does not exist", b.Name)
	}
	return &s3api.GetBucketTaggingOutput{TagSet: tagSet(b.Tags)}, nil
}

// PutBucketTagging replaces a bucket's tags.
func (s *Service) PutBucketTagging(ctx context.Context, in *s3api.PutBucketTaggingInput) (*s3api.PutBucketTaggingOutput, error) {
	tags, err := checkTags(in.Tagging.TagSet, bucketTags)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketTagging"}, func(b *object.Bucket) error {
		b.Tags = tags
		return nil
	})
}

// DeleteBucketTagging removes a bucket's tags.
func (s *Service) DeleteBucketTagging(ctx context.Context, in *s3api.DeleteBucketTaggingInput) (*s3api.DeleteBucketTaggingOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketTagging"}, func(b *object.Bucket) error {
		b.Tags = nil
		return nil
	})
}

// GetObjectTagging reads an object's tags.
func (s *Service) GetObjectTagging(ctx context.Context, in *s3api.GetObjectTaggingInput) (*s3api.GetObjectTaggingOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObjectTagging"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	v, err := s.head(ctx, b, *in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	return &s3api.GetObjectTaggingOutput{TagSet: tagSet(v.Tags), VersionId: versionID(b, v)}, nil
}

// PutObjectTagging replaces an object's tags.
func (s *Service) PutObjectTagging(ctx context.Context, in *s3api.PutObjectTaggingInput) (*s3api.PutObjectTaggingOutput, error) {
	tags, err := checkTags(in.Tagging.TagSet, objectTags)
	if err != nil {
		return nil, err
	}
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObjectTagging"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	id, err := s.retag(b, *in.Key, in.VersionId, tags)
	return &s3api.PutObjectTaggingOutput{VersionId: id}, err
}

// DeleteObjectTagging removes an object's tags.
func (s *Service) DeleteObjectTagging(ctx context.Context, in *s3api.DeleteObjectTaggingInput) (*s3api.DeleteObjectTaggingOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:DeleteObjectTagging"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	id, err := s.retag(b, *in.Key, in.VersionId, nil)
	return &s3api.DeleteObjectTaggingOutput{VersionId: id}, err
}

func (s *Service) retag(b *object.Bucket, key string, id *string, tags map[string]string) (*string, error) {
	v, err := s.engine.Change(b, key, text(id), func(v *object.Version) error {
		if v.Marker {
			return errMethodNotAllowed.New("The specified method is not allowed against this resource.")
		}
		v.Tags = tags
		return nil
	})
	if err != nil {
		return nil, fail(err, b.Name, key)
	}
	return versionID(b, v), nil
}
