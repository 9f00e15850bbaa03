package balance

import (
	"maps"

	"github.com/neargate/neargate/internal/state"
)

// TagSet is the tags of one resource. They stand apart from the resources, so that tagging wakes nobody.
type TagSet struct {
	ARN  string
	Tags map[string]string
}

// TagsOf are a resource's tags, not to be changed.
func (t *Tables) TagsOf(tx *state.Tx, arn string) map[string]string {
	if set, ok := t.Tags.Get(tx, arn); ok {
		return set.Tags
	}
	return nil
}

// SetTags adds tags to a resource, or changes their values.
func (t *Tables) SetTags(tx *state.Tx, arn string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	all := maps.Clone(t.TagsOf(tx, arn))
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	if len(all) > MaxTags {
		return ErrTooManyTags.New("The maximum number of tags ('%d') for the resource has been reached", MaxTags)
	}
	t.Tags.Put(tx, &TagSet{ARN: arn, Tags: all})
	return nil
}

// RemoveTags removes tags by their keys.
func (t *Tables) RemoveTags(tx *state.Tx, arn string, keys []string) {
	left := maps.Clone(t.TagsOf(tx, arn))
	for _, k := range keys {
		delete(left, k)
	}
	if len(left) == 0 {
		t.Tags.Delete(tx, arn)
		return
	}
	t.Tags.Put(tx, &TagSet{ARN: arn, Tags: left})
}
