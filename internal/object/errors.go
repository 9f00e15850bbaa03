package object

import "errors"

// Classes of errors, which the front words.
var (
	ErrNoBucket  = errors.New("bucket does not exist")
	ErrNotEmpty  = errors.New("bucket is not empty")
	ErrNoKey     = errors.New("object does not exist")
	ErrNoVersion = errors.New("version does not exist")
	ErrNoUpload  = errors.New("upload does not exist")
	// ErrCondition: If-Match or If-None-Match does not hold.
	ErrCondition = errors.New("condition does not hold")
	ErrPart      = errors.New("part does not exist or is another one")
	ErrPartOrder = errors.New("parts are not in order")
	ErrPartSmall = errors.New("part is too small")
)
