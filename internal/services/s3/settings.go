package s3

import (
	"context"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/object"
)

// GetBucketVersioning tells whether new objects are new versions.
func (s *Service) GetBucketVersioning(ctx context.Context, in *s3api.GetBucketVersioningInput) (*s3api.GetBucketVersioningOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketVersioning"})
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketVersioningOutput{Status: opt(b.Versioning)}, nil
}

// PutBucketVersioning enables or suspends versioning.
func (s *Service) PutBucketVersioning(ctx context.Context, in *s3api.PutBucketVersioningInput) (*s3api.PutBucketVersioningOutput, error) {
	c := in.VersioningConfiguration
	if in.MFA != nil || aws.Val(c.MFADelete) == "Enabled" {
		return nil, awserr.NotImplemented("MFA delete")
	}
	if c.Status == nil {
		return nil, errIllegalVersioning()
	}
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketVersioning"}, func(b *object.Bucket) error {
		b.Versioning = *c.Status
		return nil
	})
}

func errIllegalVersioning() error {
	return awserr.New("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
}

// encryptionAES is the server-side encryption of S3's own keys.
const encryptionAES = "AES256"

// GetBucketEncryption reads the default encryption; every bucket has one.
func (s *Service) GetBucketEncryption(ctx context.Context, in *s3api.GetBucketEncryptionInput) (*s3api.GetBucketEncryptionOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetEncryptionConfiguration"})
	if err != nil {
		return nil, err
	}
	e := b.Encryption
	if e == nil {
		e = &object.Encryption{Algorithm: encryptionAES}
	}
	rule := s3api.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &s3api.ServerSideEncryptionByDefault{SSEAlgorithm: &e.Algorithm}, BucketKeyEnabled: &e.BucketKey,
	}
	if len(e.Blocked) > 0 {
		rule.BlockedEncryptionTypes = &s3api.BlockedEncryptionTypes{EncryptionType: e.Blocked}
	}
	return &s3api.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3api.ServerSideEncryptionConfiguration{Rules: []s3api.ServerSideEncryptionRule{rule}}}, nil
}

// PutBucketEncryption sets the default encryption.
func (s *Service) PutBucketEncryption(ctx context.Context, in *s3api.PutBucketEncryptionInput) (*s3api.PutBucketEncryptionOutput, error) {
	rules := in.ServerSideEncryptionConfiguration.Rules
	if len(rules) != 1 {
		return nil, malformed()
	}
	e := &object.Encryption{Algorithm: encryptionAES, BucketKey: aws.Val(rules[0].BucketKeyEnabled)}
	if d := rules[0].ApplyServerSideEncryptionByDefault; d != nil {
		if *d.SSEAlgorithm != encryptionAES {
			return nil, awserr.NotImplemented("server-side encryption " + *d.SSEAlgorithm)
		}
		if d.KMSMasterKeyID != nil {
			return nil, invalidArgument("KMSMasterKeyID", "", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
	}
	if t := rules[0].BlockedEncryptionTypes; t != nil {
		e.Blocked = t.EncryptionType
	}
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutEncryptionConfiguration"}, func(b *object.Bucket) error {
		b.Encryption = e
		return nil
	})
}

// DeleteBucketEncryption goes back to the default.
func (s *Service) DeleteBucketEncryption(ctx context.Context, in *s3api.DeleteBucketEncryptionInput) (*s3api.DeleteBucketEncryptionOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutEncryptionConfiguration"}, func(b *object.Bucket) error {
		b.Encryption = nil
		return nil
	})
}

// Storage classes. Objects of all but the archives are read as any other, so that the class is a label here.
const standardClass = "STANDARD"

var storageClasses = map[string]bool{
	"": true, standardClass: true, "STANDARD_IA": true, "ONEZONE_IA": true, "INTELLIGENT_TIERING": true, "GLACIER_IR": true, "REDUCED_REDUNDANCY": true,
}

func checkClass(class string) error {
	switch {
	case storageClasses[class]:
		return nil
	case class == "OUTPOSTS" || class == "SNOW" || class == "EXPRESS_ONEZONE":
		return errInvalidStorageClass.New("The storage class you specified is not valid")
	}
	return awserr.NotImplemented("storage class " + class)
}

// shownClass is a storage class as headers tell it: not at all where it is the usual one.
func shownClass(class string) *string { return opt(class) }

// listedClass is a storage class as lists tell it.
func listedClass(class string) *string {
	if class == "" {
		class = standardClass
	}
	return &class
}
