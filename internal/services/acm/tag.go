package acm

import (
	"context"
	"maps"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

var tagRules = tags.Rules{
	Check: func(key, _ string) error {
		if tags.Reserved(key) {
			return acmapi.ErrInvalidTagException.New("aws: prefixed tag key names are not allowed for external use: %s", key)
		}
		return nil
	},
	Twice: func(key string) error {
		return acmapi.ErrInvalidTagException.New("The tag key %s is given more than once.", key)
	},
	TooMany: func() error {
		return acmapi.ErrTooManyTagsException.New("The certificate cannot have more than %d tags.", tags.Max)
	},
}

// tagged is old with the added tags merged in.
func tagged(old map[string]string, added []acmapi.Tag) (map[string]string, error) {
	return tagRules.Merge(old, tags.Of(added, func(t acmapi.Tag) (key, value *string) { return t.Key, t.Value }))
}

// AddTagsToCertificate adds or replaces tags.
func (s *Service) AddTagsToCertificate(ctx context.Context, in *acmapi.AddTagsToCertificateInput) (*acmapi.AddTagsToCertificateOutput, error) {
	return change[acmapi.AddTagsToCertificateOutput](ctx, s, in.CertificateArn, func(_ *state.Tx, c *cert.Certificate) (err error) {
		c.Tags, err = tagged(c.Tags, in.Tags)
		return err
	})
}

// RemoveTagsFromCertificate removes tags; those given with a value only if they have it.
func (s *Service) RemoveTagsFromCertificate(ctx context.Context, in *acmapi.RemoveTagsFromCertificateInput) (*acmapi.RemoveTagsFromCertificateOutput, error) {
	return change[acmapi.RemoveTagsFromCertificateOutput](ctx, s, in.CertificateArn, func(_ *state.Tx, c *cert.Certificate) error {
		c.Tags = maps.Clone(c.Tags)
		for _, t := range in.Tags {
			if value, ok := c.Tags[*t.Key]; ok && (t.Value == nil || *t.Value == value) {
				delete(c.Tags, *t.Key)
			}
		}
		return nil
	})
}

// ListTagsForCertificate reads tags.
func (s *Service) ListTagsForCertificate(ctx context.Context, in *acmapi.ListTagsForCertificateInput) (*acmapi.ListTagsForCertificateOutput, error) {
	c, err := s.certificate(s.store.View(), aws.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	list := tags.List(c.Tags, func(key, value *string) acmapi.Tag { return acmapi.Tag{Key: key, Value: value} })
	return &acmapi.ListTagsForCertificateOutput{Tags: append([]acmapi.Tag{}, list...)}, nil
}
