package s3

import (
	"context"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// What buckets can be configured with on AWS and not here: reading it says that it is not configured, removing it succeeds, and
// configuring it is refused by name, here or because its operation is not bound.

// has finds a bucket for a request about such a setting.
func (s *Service) has(ctx context.Context, bucket, owner *string, action string) error {
	_, err := s.open(ctx, wish{bucket, owner, nil, action})
	return err
}

// lacks answers that a bucket lacks a setting.
func (s *Service) lacks(ctx context.Context, bucket, owner *string, action, code, message string) error {
	if err := s.has(ctx, bucket, owner, action); err != nil {
		return err
	}
	return notConfigured(code, message, *bucket)
}

// GetBucketAccelerateConfiguration says that transfers are not accelerated.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, in *s3api.GetBucketAccelerateConfigurationInput) (*s3api.GetBucketAccelerateConfigurationOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetAccelerateConfiguration")
}

// PutBucketAccelerateConfiguration suspends what was never enabled.
func (s *Service) PutBucketAccelerateConfiguration(ctx context.Context, in *s3api.PutBucketAccelerateConfigurationInput) (*s3api.PutBucketAccelerateConfigurationOutput, error) {
	if aws.Val(in.AccelerateConfiguration.Status) == "Enabled" {
		return nil, awserr.NotImplemented("transfer acceleration")
	}
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutAccelerateConfiguration")
}

// GetBucketRequestPayment says that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, in *s3api.GetBucketRequestPaymentInput) (*s3api.GetBucketRequestPaymentOutput, error) {
	if err := s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketRequestPayment"); err != nil {
		return nil, err
	}
	return &s3api.GetBucketRequestPaymentOutput{Payer: new("BucketOwner")}, nil
}

// PutBucketRequestPayment lets the owner pay.
func (s *Service) PutBucketRequestPayment(ctx context.Context, in *s3api.PutBucketRequestPaymentInput) (*s3api.PutBucketRequestPaymentOutput, error) {
	if *in.RequestPaymentConfiguration.Payer != "BucketOwner" {
		return nil, awserr.NotImplemented("Requester Pays")
	}
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutBucketRequestPayment")
}

// GetBucketLogging says that access is not logged.
func (s *Service) GetBucketLogging(ctx context.Context, in *s3api.GetBucketLoggingInput) (*s3api.GetBucketLoggingOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketLogging")
}

// PutBucketLogging switches off what was never on.
func (s *Service) PutBucketLogging(ctx context.Context, in *s3api.PutBucketLoggingInput) (*s3api.PutBucketLoggingOutput, error) {
	if in.BucketLoggingStatus.LoggingEnabled != nil {
		return nil, awserr.NotImplemented("server access logging")
	}
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutBucketLogging")
}

// GetBucketNotificationConfiguration says that nobody is notified.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, in *s3api.GetBucketNotificationConfigurationInput) (*s3api.GetBucketNotificationConfigurationOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketNotification")
}

// PutBucketNotificationConfiguration takes the empty configuration.
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, in *s3api.PutBucketNotificationConfigurationInput) (*s3api.PutBucketNotificationConfigurationOutput, error) {
	c := in.NotificationConfiguration
	switch {
	case len(c.TopicConfigurations) > 0:
		return nil, awserr.NotImplemented("event notifications to SNS topics (TopicConfigurations)")
	case len(c.QueueConfigurations) > 0:
		return nil, awserr.NotImplemented("event notifications to SQS queues (QueueConfigurations)")
	case len(c.LambdaFunctionConfigurations) > 0:
		return nil, awserr.NotImplemented("event notifications to Lambda functions (LambdaFunctionConfigurations)")
	case c.EventBridgeConfiguration != nil:
		return nil, awserr.NotImplemented("event notifications to EventBridge (EventBridgeConfiguration)")
	}
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutBucketNotification")
}

// GetBucketCORS says that there are no rules.
func (s *Service) GetBucketCORS(ctx context.Context, in *s3api.GetBucketCorsInput) (*s3api.GetBucketCorsOutput, error) {
	return nil, s.lacks(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketCORS", "NoSuchCORSConfiguration", "The CORS configuration does not exist")
}

// DeleteBucketCORS removes what is not there.
func (s *Service) DeleteBucketCORS(ctx context.Context, in *s3api.DeleteBucketCorsInput) (*s3api.DeleteBucketCorsOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutBucketCORS")
}

// GetBucketWebsite says that there is none.
func (s *Service) GetBucketWebsite(ctx context.Context, in *s3api.GetBucketWebsiteInput) (*s3api.GetBucketWebsiteOutput, error) {
	return nil, s.lacks(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketWebsite", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
}

// DeleteBucketWebsite removes what is not there.
func (s *Service) DeleteBucketWebsite(ctx context.Context, in *s3api.DeleteBucketWebsiteInput) (*s3api.DeleteBucketWebsiteOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:DeleteBucketWebsite")
}

// GetBucketReplication says that there is none.
func (s *Service) GetBucketReplication(ctx context.Context, in *s3api.GetBucketReplicationInput) (*s3api.GetBucketReplicationOutput, error) {
	return nil, s.lacks(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetReplicationConfiguration", "ReplicationConfigurationNotFoundError", "The replication configuration was not found")
}

// DeleteBucketReplication removes what is not there.
func (s *Service) DeleteBucketReplication(ctx context.Context, in *s3api.DeleteBucketReplicationInput) (*s3api.DeleteBucketReplicationOutput, error) {
	return nil, s.has(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:PutReplicationConfiguration")
}

// GetObjectLockConfiguration says that objects can't be locked.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, in *s3api.GetObjectLockConfigurationInput) (*s3api.GetObjectLockConfigurationOutput, error) {
	return nil, s.lacks(ctx, in.Bucket, in.ExpectedBucketOwner, "s3:GetBucketObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
}

// GetObjectLegalHold says that the bucket has no locks.
func (s *Service) GetObjectLegalHold(ctx context.Context, in *s3api.GetObjectLegalHoldInput) (*s3api.GetObjectLegalHoldOutput, error) {
	return nil, s.unlocked(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObjectLegalHold"})
}

// GetObjectRetention says that the bucket has no locks.
func (s *Service) GetObjectRetention(ctx context.Context, in *s3api.GetObjectRetentionInput) (*s3api.GetObjectRetentionOutput, error) {
	return nil, s.unlocked(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObjectRetention"})
}

func (s *Service) unlocked(ctx context.Context, w wish) error {
	if _, err := s.open(ctx, w); err != nil {
		return err
	}
	return errInvalidRequest.New("Bucket is missing Object Lock Configuration")
}
