package s3

import (
	"errors"
	"net/http"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/object"
)

// Errors that S3's model leaves out ("Error responses: List of error codes").
var (
	errAccessDenied        = class("AccessDenied", http.StatusForbidden)
	errACLNotSupported     = class("AccessControlListNotSupported", http.StatusBadRequest)
	errBadDigest           = class("BadDigest", http.StatusBadRequest)
	errBucketNotEmpty      = class("BucketNotEmpty", http.StatusConflict)
	errEntityTooLarge      = class("EntityTooLarge", http.StatusBadRequest)
	errEntityTooSmall      = class("EntityTooSmall", http.StatusBadRequest)
	errIllegalLocation     = class("IllegalLocationConstraintException", http.StatusBadRequest)
	errInvalidArgument     = class("InvalidArgument", http.StatusBadRequest)
	errInvalidBucketName   = class("InvalidBucketName", http.StatusBadRequest)
	errInvalidDigest       = class("InvalidDigest", http.StatusBadRequest)
	errInvalidLocation     = class("InvalidLocationConstraint", http.StatusBadRequest)
	errInvalidPart         = class("InvalidPart", http.StatusBadRequest)
	errInvalidPartOrder    = class("InvalidPartOrder", http.StatusBadRequest)
	errInvalidRange        = class("InvalidRange", http.StatusRequestedRangeNotSatisfiable)
	errInvalidRequest      = class("InvalidRequest", http.StatusBadRequest)
	errInvalidStorageClass = class("InvalidStorageClass", http.StatusBadRequest)
	errInvalidTag          = class("InvalidTag", http.StatusBadRequest)
	errInvalidURI          = class("InvalidURI", http.StatusBadRequest)
	errKeyTooLong          = class("KeyTooLongError", http.StatusBadRequest)
	errMalformedPolicy     = class("MalformedPolicy", http.StatusBadRequest)
	errMalformedXML        = class("MalformedXML", http.StatusBadRequest)
	errMetadataTooLarge    = class("MetadataTooLarge", http.StatusBadRequest)
	errMethodNotAllowed    = class("MethodNotAllowed", http.StatusMethodNotAllowed)
	errMissingLength       = class("MissingContentLength", http.StatusLengthRequired)
	errNotModified         = class("NotModified", http.StatusNotModified)
	errNoSuchVersion       = class("NoSuchVersion", http.StatusNotFound)
	errPrecondition        = class("PreconditionFailed", http.StatusPreconditionFailed)
)

func class(code string, status int) *awserr.Class { return &awserr.Class{Code: code, Status: status} }

func denied() *awserr.Error { return errAccessDenied.New("Access Denied") }

func malformed() *awserr.Error {
	return errMalformedXML.New("The XML you provided was not well-formed or did not validate against our published schema")
}

func invalidArgument(name, value, format string, args ...any) *awserr.Error {
	return errInvalidArgument.New(format, args...).With("ArgumentName", name).With("ArgumentValue", value)
}

// unmet is the answer to a condition that does not hold.
func unmet(condition string) *awserr.Error {
	return errPrecondition.New("At least one of the pre-conditions you specified did not hold").With("Condition", condition)
}

// fail words an error of the engine.
func fail(err error, bucket, key string) error {
	switch {
	case errors.Is(err, object.ErrNoBucket):
		return s3api.ErrNoSuchBucket.New("The specified bucket does not exist").With("BucketName", bucket)
	case errors.Is(err, object.ErrNotEmpty):
		return errBucketNotEmpty.New("The bucket you tried to delete is not empty").With("BucketName", bucket)
	case errors.Is(err, object.ErrNoKey):
		return s3api.ErrNoSuchKey.New("The specified key does not exist.").With("Key", key)
	case errors.Is(err, object.ErrNoVersion):
		return errNoSuchVersion.New("The specified version does not exist.").With("Key", key)
	case errors.Is(err, object.ErrNoUpload):
		return s3api.ErrNoSuchUpload.New("The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	case errors.Is(err, object.ErrPart):
		return errInvalidPart.New("One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	case errors.Is(err, object.ErrPartOrder):
		return errInvalidPartOrder.New("The list of parts was not in ascending order. Parts must be ordered by part number.")
	case errors.Is(err, object.ErrPartSmall):
		return errEntityTooSmall.New("Your proposed upload is smaller than the minimum allowed size").With("MinSizeAllowed", object.MinPart)
	}
	return err
}

// notConfigured is the answer of a bucket that lacks a setting.
func notConfigured(code, message, bucket string) error {
	return awserr.New(code, http.StatusNotFound, "%s", message).With("BucketName", bucket)
}
