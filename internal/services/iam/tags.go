package iam

import (
	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws/tags"
)

// tagRules: keys are unique whatever their case.
var tagRules = tags.Rules{
	Fold: true,
	Check: func(key, _ string) error {
		if tags.Reserved(key) {
			return iamapi.ErrInvalidInputException.New("Tag keys with the prefix aws: are reserved: %s", key)
		}
		return nil
	},
	Twice: func(string) error {
		return iamapi.ErrInvalidInputException.New("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	},
	TooMany: func() error {
		return iamapi.ErrLimitExceededException.New("The number of tags has reached the maximum limit.")
	},
}

// tagged is old with the added tags merged in.
func tagged(old map[string]string, added []iamapi.Tag) (map[string]string, error) {
	return tagRules.Merge(old, tags.Of(added, func(t iamapi.Tag) (key, value *string) { return t.Key, t.Value }))
}

// tagList is nil where there are none: IAM leaves the element out.
func tagList(all map[string]string) []iamapi.Tag {
	return tags.List(all, func(key, value *string) iamapi.Tag { return iamapi.Tag{Key: key, Value: value} })
}

func tagName(t iamapi.Tag) string { return *t.Key }
