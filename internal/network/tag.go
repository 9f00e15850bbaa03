package network

import (
	"maps"

	"github.com/neargate/neargate/internal/state"
)

// TagSet is the tags of one resource. They stand apart from the resources, so that tagging wakes no loop and
// reading an account's tags needs one table.
type TagSet struct {
	Scope
	ResourceID string
	Type       string // as in DescribeTags: "vpc", "security-group-rule"
	Tags       map[string]string
}

// TagsOf are a resource's tags, not to be changed.
func (t *Tables) TagsOf(tx *state.Tx, id string) map[string]string {
	if set, ok := t.Tags.Get(tx, id); ok {
		return set.Tags
	}
	return nil
}

// Tag adds tags to a resource, or changes their values.
func (t *Tables) Tag(tx *state.Tx, scope Scope, kind, id string, tags map[string]string) {
	if len(tags) == 0 {
		return
	}
	all := maps.Clone(t.TagsOf(tx, id))
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	t.Tags.Put(tx, &TagSet{Scope: scope, ResourceID: id, Type: kind, Tags: all})
}

// Untag removes the tags for which remove says so.
func (t *Tables) Untag(tx *state.Tx, id string, remove func(key, value string) bool) {
	set, ok := t.Tags.Get(tx, id)
	if !ok {
		return
	}
	left := maps.Clone(set.Tags)
	maps.DeleteFunc(left, remove)
	switch len(left) {
	case len(set.Tags):
	case 0:
		t.Tags.Delete(tx, id)
	default:
		c := *set
		c.Tags = left
		t.Tags.Put(tx, &c)
	}
}
