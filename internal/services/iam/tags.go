package iam

import (
	"maps"
	"sort"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
)

// maxTags is IAM's quota of tags on one resource.
const maxTags = 50

// tagged returns tags with the added ones merged in.
func tagged(tags map[string]string, added []iamapi.Tag) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range added {
		key := aws.Val(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, iamapi.ErrInvalidInputException.New("Tag keys with the prefix aws: are reserved: %s", key)
		}
		// Keys are unique whatever their case.
		if lower := strings.ToLower(key); seen[lower] {
			return nil, iamapi.ErrInvalidInputException.New("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		} else {
			seen[lower] = true
		}
		for have := range out {
			if have != key && strings.EqualFold(have, key) {
				delete(out, have)
			}
		}
		out[key] = aws.Val(t.Value)
	}
	if len(out) > maxTags {
		return nil, iamapi.ErrLimitExceededException.New("The number of tags has reached the maximum limit.")
	}
	return out, nil
}

func untagged(tags map[string]string, keys []string) map[string]string {
	out := maps.Clone(tags)
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// tagList is nil where there are none: IAM leaves the element out.
func tagList(tags map[string]string) []iamapi.Tag {
	var out []iamapi.Tag
	for k, v := range tags {
		out = append(out, iamapi.Tag{Key: new(k), Value: new(v)})
	}
	sort.Slice(out, func(i, j int) bool { return *out[i].Key < *out[j].Key })
	return out
}

func tagName(t iamapi.Tag) string { return *t.Key }
