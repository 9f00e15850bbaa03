package s3

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/object"
)

// Limits of lifecycles.
const (
	maxRules         = 1000
	maxRuleID        = 255
	defaultMinimum   = "all_storage_classes_128K"
	maxNewerVersions = 100
)

// GetBucketLifecycleConfiguration reads a bucket's lifecycle.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, in *s3api.GetBucketLifecycleConfigurationInput) (*s3api.GetBucketLifecycleConfigurationOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetLifecycleConfiguration"})
	if err != nil {
		return nil, err
	}
	if len(b.Lifecycle) == 0 {
		return nil, notConfigured("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", b.Name)
	}
	out := &s3api.GetBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: &b.MinimumSize}
	for i := range b.Lifecycle {
		out.Rules = append(out.Rules, shownRule(&b.Lifecycle[i]))
	}
	return out, nil
}

// PutBucketLifecycleConfiguration sets a bucket's lifecycle.
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, in *s3api.PutBucketLifecycleConfigurationInput) (*s3api.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil || len(in.LifecycleConfiguration.Rules) == 0 || len(in.LifecycleConfiguration.Rules) > maxRules {
		return nil, malformed()
	}
	var rules []object.Rule
	seen := map[string]bool{}
	for i := range in.LifecycleConfiguration.Rules {
		r, err := parseRule(&in.LifecycleConfiguration.Rules[i])
		if err != nil {
			return nil, err
		}
		if seen[r.ID] {
			return nil, invalidArgument("ID", r.ID, "RuleId must be unique. Found same ID for one or more rules")
		}
		seen[r.ID] = true
		rules = append(rules, r)
	}
	minimum := defaultMinimum
	if in.TransitionDefaultMinimumObjectSize != nil {
		minimum = *in.TransitionDefaultMinimumObjectSize
	}
	err := s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutLifecycleConfiguration"}, func(b *object.Bucket) error {
		b.Lifecycle, b.MinimumSize = rules, minimum
		return nil
	})
	return &s3api.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: &minimum}, err
}

// DeleteBucketLifecycle removes a bucket's lifecycle.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, in *s3api.DeleteBucketLifecycleInput) (*s3api.DeleteBucketLifecycleOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutLifecycleConfiguration"}, func(b *object.Bucket) error {
		b.Lifecycle, b.MinimumSize = nil, ""
		return nil
	})
}

func parseRule(in *s3api.LifecycleRule) (r object.Rule, err error) {
	r = object.Rule{ID: aws.Val(in.ID), Enabled: *in.Status == "Enabled"}
	switch {
	case len(in.Transitions) > 0 || len(in.NoncurrentVersionTransitions) > 0:
		return r, awserr.NotImplemented("lifecycle transitions between storage classes (Transition, NoncurrentVersionTransition)")
	case len(r.ID) > maxRuleID:
		return r, invalidArgument("ID", r.ID, "ID length should not exceed allowed limit of 255")
	case r.ID == "":
		r.ID = strings.ToLower(rand.Text())
	}
	if r.Filter, err = parseFilter(in); err != nil {
		return r, err
	}
	if e := in.Expiration; e != nil {
		if err := parseExpiration(&r, e); err != nil {
			return r, err
		}
	}
	if n := in.NoncurrentVersionExpiration; n != nil {
		r.NoncurrentDays, r.NewerNoncurrent = int(aws.Val(n.NoncurrentDays)), int(aws.Val(n.NewerNoncurrentVersions))
		switch {
		case r.NoncurrentDays <= 0:
			return r, invalidArgument("NoncurrentDays", "", "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
		case r.NewerNoncurrent < 0 || r.NewerNoncurrent > maxNewerVersions:
			return r, invalidArgument("NewerNoncurrentVersions", "", "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and 100")
		}
	}
	if a := in.AbortIncompleteMultipartUpload; a != nil {
		if r.AbortDays = int(aws.Val(a.DaysAfterInitiation)); r.AbortDays <= 0 {
			return r, invalidArgument("DaysAfterInitiation", "", "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
		}
		if len(r.Filter.Tags) > 0 || r.Filter.Greater != nil || r.Filter.Less != nil {
			return r, errInvalidRequest.New("AbortIncompleteMultipartUpload cannot be specified with Tags or object size.")
		}
	}
	if in.Expiration == nil && in.NoncurrentVersionExpiration == nil && in.AbortIncompleteMultipartUpload == nil {
		return r, errInvalidRequest.New("At least one action needs to be specified in a rule")
	}
	return r, nil
}

func parseExpiration(r *object.Rule, e *s3api.LifecycleExpiration) error {
	given := 0
	if e.Days != nil {
		given++
		if r.Days = int(*e.Days); r.Days <= 0 {
			return invalidArgument("Days", "", "'Days' for Expiration action must be a positive integer")
		}
	}
	if e.Date != nil {
		given++
		if r.Date = e.Date.UTC(); !r.Date.Equal(r.Date.Truncate(24 * time.Hour)) {
			return invalidArgument("Date", "", "'Date' must be at midnight GMT")
		}
	}
	if e.ExpiredObjectDeleteMarker != nil {
		given++
		r.ExpiredMarker = e.ExpiredObjectDeleteMarker
	}
	if given != 1 {
		return malformed()
	}
	return nil
}

func parseFilter(in *s3api.LifecycleRule) (f object.Filter, err error) {
	switch {
	case in.Filter == nil && in.Prefix == nil, in.Filter != nil && in.Prefix != nil:
		return f, malformed()
	case in.Filter == nil:
		return object.Filter{Form: object.FilterLegacy, Prefix: *in.Prefix}, nil
	}
	given := in.Filter
	single := 0
	for _, set := range []bool{given.Prefix != nil, given.Tag != nil, given.ObjectSizeGreaterThan != nil, given.ObjectSizeLessThan != nil, given.And != nil} {
		if set {
			single++
		}
	}
	switch {
	case single > 1:
		return f, malformed()
	case single == 0:
		return object.Filter{Form: object.FilterEmpty}, nil
	}
	f = object.Filter{Form: object.FilterPlain, Prefix: aws.Val(given.Prefix), Greater: given.ObjectSizeGreaterThan, Less: given.ObjectSizeLessThan}
	if given.Tag != nil {
		f.Tags, err = checkTags([]s3api.Tag{*given.Tag}, objectTags)
	}
	if a := given.And; a != nil {
		f = object.Filter{Form: object.FilterAnd, Prefix: aws.Val(a.Prefix), Greater: a.ObjectSizeGreaterThan, Less: a.ObjectSizeLessThan}
		f.Tags, err = checkTags(a.Tags, objectTags)
	}
	return f, err
}

func shownRule(r *object.Rule) s3api.LifecycleRule {
	out := s3api.LifecycleRule{ID: &r.ID, Status: new("Disabled")}
	if r.Enabled {
		out.Status = new("Enabled")
	}
	switch f := &r.Filter; f.Form {
	case object.FilterLegacy:
		out.Prefix = &f.Prefix
	case object.FilterEmpty:
		out.Filter = &s3api.LifecycleRuleFilter{}
	case object.FilterAnd:
		out.Filter = &s3api.LifecycleRuleFilter{And: &s3api.LifecycleRuleAndOperator{
			Prefix: opt(f.Prefix), ObjectSizeGreaterThan: f.Greater, ObjectSizeLessThan: f.Less,
		}}
		if len(f.Tags) > 0 {
			out.Filter.And.Tags = tagSet(f.Tags)
		}
	default:
		out.Filter = &s3api.LifecycleRuleFilter{ObjectSizeGreaterThan: f.Greater, ObjectSizeLessThan: f.Less}
		switch {
		case len(f.Tags) > 0:
			out.Filter.Tag = &tagSet(f.Tags)[0]
		case f.Greater == nil && f.Less == nil:
			out.Filter.Prefix = &f.Prefix
		}
	}
	if r.Days > 0 || !r.Date.IsZero() || r.ExpiredMarker != nil {
		out.Expiration = &s3api.LifecycleExpiration{}
		switch {
		case r.Days > 0:
			out.Expiration.Days = new(int32(r.Days))
		case r.ExpiredMarker != nil:
			out.Expiration.ExpiredObjectDeleteMarker = r.ExpiredMarker
		default:
			out.Expiration.Date = &r.Date
		}
	}
	if r.NoncurrentDays > 0 {
		out.NoncurrentVersionExpiration = &s3api.NoncurrentVersionExpiration{NoncurrentDays: new(int32(r.NoncurrentDays))}
		if r.NewerNoncurrent > 0 {
			out.NoncurrentVersionExpiration.NewerNoncurrentVersions = new(int32(r.NewerNoncurrent))
		}
	}
	if r.AbortDays > 0 {
		out.AbortIncompleteMultipartUpload = &s3api.AbortIncompleteMultipartUpload{DaysAfterInitiation: new(int32(r.AbortDays))}
	}
	return out
}

// expiration is the header that tells when an object ends.
func (s *Service) expiration(b *object.Bucket, v *object.Version) *string {
	at, rule, ok := s.engine.Expiration(b, v)
	if !ok {
		return nil
	}
	return new(`expiry-date="` + at.Format("Mon, 02 Jan 2006 15:04:05 GMT") + `", rule-id="` + rule + `"`)
}
