package s3

import (
	"context"
	"log/slog"
	"unicode/utf8"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/state"
)

// Service is the S3 front.
type Service struct {
	store  *state.Store
	tables *object.Tables
	engine *object.Engine
	log    *slog.Logger
}

// New returns the front over the engine.
func New(store *state.Store, tables *object.Tables, engine *object.Engine, log *slog.Logger) *Service {
	return &Service{store: store, tables: tables, engine: engine, log: log}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		s3api.CreateBucket.Bind(s.CreateBucket),
		s3api.DeleteBucket.Bind(s.DeleteBucket),
		s3api.HeadBucket.Bind(s.HeadBucket),
		s3api.ListBuckets.Bind(s.ListBuckets),
		s3api.GetBucketLocation.Bind(s.GetBucketLocation),

		s3api.GetBucketVersioning.Bind(s.GetBucketVersioning),
		s3api.PutBucketVersioning.Bind(s.PutBucketVersioning),
		s3api.GetBucketTagging.Bind(s.GetBucketTagging),
		s3api.PutBucketTagging.Bind(s.PutBucketTagging),
		s3api.DeleteBucketTagging.Bind(s.DeleteBucketTagging),
		s3api.GetBucketEncryption.Bind(s.GetBucketEncryption),
		s3api.PutBucketEncryption.Bind(s.PutBucketEncryption),
		s3api.DeleteBucketEncryption.Bind(s.DeleteBucketEncryption),
		s3api.GetBucketLifecycleConfiguration.Bind(s.GetBucketLifecycleConfiguration),
		s3api.PutBucketLifecycleConfiguration.Bind(s.PutBucketLifecycleConfiguration),
		s3api.DeleteBucketLifecycle.Bind(s.DeleteBucketLifecycle),

		s3api.GetBucketPolicy.Bind(s.GetBucketPolicy),
		s3api.PutBucketPolicy.Bind(s.PutBucketPolicy),
		s3api.DeleteBucketPolicy.Bind(s.DeleteBucketPolicy),
		s3api.GetBucketPolicyStatus.Bind(s.GetBucketPolicyStatus),
		s3api.GetPublicAccessBlock.Bind(s.GetPublicAccessBlock),
		s3api.PutPublicAccessBlock.Bind(s.PutPublicAccessBlock),
		s3api.DeletePublicAccessBlock.Bind(s.DeletePublicAccessBlock),
		s3api.GetBucketOwnershipControls.Bind(s.GetBucketOwnershipControls),
		s3api.PutBucketOwnershipControls.Bind(s.PutBucketOwnershipControls),
		s3api.DeleteBucketOwnershipControls.Bind(s.DeleteBucketOwnershipControls),
		s3api.GetBucketAcl.Bind(s.GetBucketACL),
		s3api.PutBucketAcl.Bind(s.PutBucketACL),
		s3api.GetObjectAcl.Bind(s.GetObjectACL),
		s3api.PutObjectAcl.Bind(s.PutObjectACL),

		s3api.GetBucketAccelerateConfiguration.Bind(s.GetBucketAccelerateConfiguration),
		s3api.PutBucketAccelerateConfiguration.Bind(s.PutBucketAccelerateConfiguration),
		s3api.GetBucketRequestPayment.Bind(s.GetBucketRequestPayment),
		s3api.PutBucketRequestPayment.Bind(s.PutBucketRequestPayment),
		s3api.GetBucketLogging.Bind(s.GetBucketLogging),
		s3api.PutBucketLogging.Bind(s.PutBucketLogging),
		s3api.GetBucketNotificationConfiguration.Bind(s.GetBucketNotificationConfiguration),
		s3api.PutBucketNotificationConfiguration.Bind(s.PutBucketNotificationConfiguration),
		s3api.GetBucketCors.Bind(s.GetBucketCORS),
		s3api.DeleteBucketCors.Bind(s.DeleteBucketCORS),
		s3api.GetBucketWebsite.Bind(s.GetBucketWebsite),
		s3api.DeleteBucketWebsite.Bind(s.DeleteBucketWebsite),
		s3api.GetBucketReplication.Bind(s.GetBucketReplication),
		s3api.DeleteBucketReplication.Bind(s.DeleteBucketReplication),
		s3api.GetObjectLockConfiguration.Bind(s.GetObjectLockConfiguration),
		s3api.GetObjectLegalHold.Bind(s.GetObjectLegalHold),
		s3api.GetObjectRetention.Bind(s.GetObjectRetention),

		s3api.PutObject.Bind(s.PutObject),
		s3api.GetObject.Bind(s.GetObject),
		s3api.HeadObject.Bind(s.HeadObject),
		s3api.CopyObject.Bind(s.CopyObject),
		s3api.DeleteObject.Bind(s.DeleteObject),
		s3api.DeleteObjects.Bind(s.DeleteObjects),
		s3api.GetObjectAttributes.Bind(s.GetObjectAttributes),
		s3api.GetObjectTagging.Bind(s.GetObjectTagging),
		s3api.PutObjectTagging.Bind(s.PutObjectTagging),
		s3api.DeleteObjectTagging.Bind(s.DeleteObjectTagging),
		s3api.ListObjects.Bind(s.ListObjects),
		s3api.ListObjectsV2.Bind(s.ListObjectsV2),
		s3api.ListObjectVersions.Bind(s.ListObjectVersions),

		s3api.CreateMultipartUpload.Bind(s.CreateMultipartUpload),
		s3api.UploadPart.Bind(s.UploadPart),
		s3api.UploadPartCopy.Bind(s.UploadPartCopy),
		s3api.CompleteMultipartUpload.Bind(s.CompleteMultipartUpload),
		s3api.AbortMultipartUpload.Bind(s.AbortMultipartUpload),
		s3api.ListParts.Bind(s.ListParts),
		s3api.ListMultipartUploads.Bind(s.ListMultipartUploads),
	}
}

// wish is what a request wants of a bucket or of an object in it.
type wish struct {
	bucket *string
	owner  *string // ExpectedBucketOwner
	key    *string // nil: of the bucket
	action string  // s3:GetObject
}

// open finds the bucket of a request, if its caller may do what it wants.
func (s *Service) open(ctx context.Context, w wish) (*object.Bucket, error) {
	return s.openIn(ctx, s.store.View(), w, nil)
}

// openVersion is open for a wish of one version of the object, if the request names one.
func (s *Service) openVersion(ctx context.Context, w wish, id *string) (*object.Bucket, error) {
	w.action = versioned(w.action, id)
	return s.openIn(ctx, s.store.View(), w, id)
}

func (s *Service) openIn(ctx context.Context, tx *state.Tx, w wish, version *string) (*object.Bucket, error) {
	b, err := s.engine.Bucket(tx, *w.bucket)
	if err != nil {
		return nil, fail(err, *w.bucket, "")
	}
	if w.owner != nil && *w.owner != b.Account {
		return nil, denied()
	}
	if w.key != nil && !utf8.ValidString(*w.key) {
		return nil, errInvalidURI.New("Couldn't parse the specified URI.") // no list could name it
	}
	if w.key != nil && len(*w.key) > maxKey {
		return nil, errKeyTooLong.New("Your key is too long").With("Size", len(*w.key)).With("MaxSizeAllowed", maxKey)
	}
	return b, s.allow(ctx, b, w, version)
}

// maxKey is the longest key in octets.
const maxKey = 1024

// change edits the settings of a bucket.
func (s *Service) change(ctx context.Context, w wish, edit func(*object.Bucket) error) error {
	return s.store.Update(ctx, func(tx *state.Tx) error {
		b, err := s.openIn(ctx, tx, w, nil)
		if err != nil {
			return err
		}
		row := *b
		if err := edit(&row); err != nil {
			return err
		}
		s.tables.Buckets.Put(tx, &row)
		return nil
	})
}
