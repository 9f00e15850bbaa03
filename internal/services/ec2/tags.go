package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/network"
)

// Limits of a tag (EC2 User Guide, "Tag your Amazon EC2 resources").
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// resource is a kind of thing that can be tagged.
type resource struct {
	prefix string // of its ids
	kind   string // as tag specifications and DescribeTags name it
	find   func(c caller, id string) error
}

// resources are all kinds. A function, since the list needs methods that are not constants.
func resources() []resource {
	return []resource{
		{"vpc-", "vpc", func(c caller, id string) error { _, err := c.VPC(c.tx, c.scope, id); return err }},
		{"subnet-", "subnet", func(c caller, id string) error { _, err := c.Subnet(c.tx, c.scope, id); return err }},
		{"rtb-", "route-table", func(c caller, id string) error { _, err := c.RouteTable(c.tx, c.scope, id); return err }},
		{"igw-", "internet-gateway", func(c caller, id string) error { _, err := c.InternetGateway(c.tx, c.scope, id); return err }},
		{"nat-", "natgateway", func(c caller, id string) error { _, err := c.NatGateway(c.tx, c.scope, id); return err }},
		{"eipalloc-", "elastic-ip", func(c caller, id string) error { _, err := c.Allocation(c.tx, c.scope, id); return err }},
		{"eni-", "network-interface", func(c caller, id string) error { _, err := c.NetworkInterface(c.tx, c.scope, id); return err }},
		{"sg-", "security-group", func(c caller, id string) error { _, err := c.SecurityGroup(c.tx, c.scope, id); return err }},
		{"sgr-", "security-group-rule", func(c caller, id string) error { _, err := c.SecurityGroupRule(c.tx, c.scope, id); return err }},
		{"pl-", "prefix-list", func(c caller, id string) error { _, err := c.PrefixList(c.tx, c.scope, id); return err }},
		{"acl-", "network-acl", func(c caller, id string) error { _, err := c.ACL(c.tx, c.scope, id); return err }},
		{"dopt-", "dhcp-options", func(c caller, id string) error { _, err := c.dhcpOptions(id); return err }},
	}
}

// resourceOf finds the kind of an id, and that it exists.
func (c caller) resourceOf(id string) (resource, error) {
	for _, r := range resources() {
		if strings.HasPrefix(id, r.prefix) {
			return r, r.find(c, id)
		}
	}
	return resource{}, awserr.New("InvalidID", 400, "The ID '%s' is not valid", id)
}

var tagRules = tags.Rules{
	Check: func(key, value string) error {
		switch {
		case key == "":
			return missing("Tag.Key")
		case tags.Reserved(key):
			return invalid("Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(key) > maxTagKey:
			return invalid("Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return invalid("Tag value exceeds the maximum length of %d characters", maxTagValue)
		}
		return nil
	},
	Twice:   func(key string) error { return invalid("Duplicate tag key '%s' specified.", key) },
	TooMany: tooManyTags,
}

func tooManyTags() error {
	return awserr.New("TagLimitExceeded", 400, "The maximum number of Tags for a resource has been reached.")
}

// parseTags checks tags that a user wants a resource to have.
func parseTags(list []ec2api.Tag) (map[string]string, error) {
	return tagRules.Merge(nil, tags.Of(list, func(t ec2api.Tag) (key, value *string) { return t.Key, t.Value }))
}

// specified are the tags that a create request specifies for the kind it creates.
func specified(specs []ec2api.TagSpecification, kind string) (map[string]string, error) {
	var list []ec2api.Tag
	for _, s := range specs {
		if s.ResourceType == nil {
			return nil, invalid("Tag specification resource type must have a value")
		}
		if *s.ResourceType != kind {
			return nil, invalid("'%s' is not a valid taggable resource type for this operation.", *s.ResourceType)
		}
		if len(s.Tags) == 0 {
			return nil, invalid("Tag specification must have at least one tag")
		}
		list = append(list, s.Tags...)
	}
	return parseTags(list)
}

// created tags a resource that was just created.
func (c caller) created(specs []ec2api.TagSpecification, kind, id string) error {
	given, err := specified(specs, kind)
	if err != nil {
		return err
	}
	c.Tag(c.tx, c.scope, kind, id, given)
	return nil
}

// tagsOf are the tags of a resource as EC2 shows them.
func (c caller) tagsOf(id string) []ec2api.Tag {
	return tags.List(c.TagsOf(c.tx, id), func(key, value *string) ec2api.Tag { return ec2api.Tag{Key: key, Value: value} })
}

func (c caller) tagMap(id string) map[string]string { return c.TagsOf(c.tx, id) }

// CreateTags adds tags to resources of any kind, or changes their values.
func (s *Service) CreateTags(ctx context.Context, in *ec2api.CreateTagsInput) (*ec2api.CreateTagsOutput, error) {
	if len(in.Resources) == 0 {
		return nil, missing("resourceIdSet")
	}
	if len(in.Tags) == 0 {
		return nil, missing("tagSet")
	}
	given, err := parseTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		for _, id := range in.Resources {
			r, err := c.resourceOf(id)
			if err != nil {
				return err
			}
			c.Tag(c.tx, c.scope, r.kind, id, given)
			if len(c.TagsOf(c.tx, id)) > tags.Max {
				return tooManyTags()
			}
		}
		return nil
	})
}

// DeleteTags removes tags: by key, by key and value, or all of them.
func (s *Service) DeleteTags(ctx context.Context, in *ec2api.DeleteTagsInput) (*ec2api.DeleteTagsOutput, error) {
	if len(in.Resources) == 0 {
		return nil, missing("resourceIdSet")
	}
	gone := func(key, value string) bool {
		return len(in.Tags) == 0 || slices.ContainsFunc(in.Tags, func(t ec2api.Tag) bool {
			return aws.Val(t.Key) == key && (t.Value == nil || *t.Value == value)
		})
	}
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		for _, id := range in.Resources {
			if _, err := c.resourceOf(id); err != nil {
				return err
			}
			c.Untag(c.tx, id, gone)
		}
		return nil
	})
}

var tagFilters = filters[ec2api.TagDescription]{
	"key":           one(func(t ec2api.TagDescription) string { return *t.Key }),
	"value":         func(t ec2api.TagDescription) []string { return []string{*t.Value} },
	"resource-id":   one(func(t ec2api.TagDescription) string { return *t.ResourceId }),
	"resource-type": one(func(t ec2api.TagDescription) string { return *t.ResourceType }),
}

// DescribeTags lists tags of all kinds of resources.
func (s *Service) DescribeTags(ctx context.Context, in *ec2api.DescribeTagsInput) (*ec2api.DescribeTagsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	l := listing[ec2api.TagDescription]{
		with: in.Filters, filters: tagFilters,
		id: func(t ec2api.TagDescription) string { return *t.Key },
		// Each row is one tag, so that tag:key filters see only it.
		tags: func(string) map[string]string { return nil },
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	var out []ec2api.TagDescription
	for _, set := range c.tagSets(in.Filters) {
		for k, v := range set.Tags {
			l.tags = func(string) map[string]string { return map[string]string{k: v} }
			t := ec2api.TagDescription{Key: new(k), Value: new(v), ResourceId: new(set.ResourceID), ResourceType: new(set.Type)}
			if l.matches(t) {
				out = append(out, t)
			}
		}
	}
	key := func(t ec2api.TagDescription) string { return *t.ResourceId + "\x00" + *t.Key }
	slices.SortFunc(out, func(a, b ec2api.TagDescription) int { return cmp.Compare(key(a), key(b)) })
	rows, next, err := page.Of(out, key, in.NextToken, int(aws.Val(in.MaxResults)), 1000, 1000)
	return &ec2api.DescribeTagsOutput{Tags: filled(rows), NextToken: next}, err
}

// tagSets are the scope's tags, or only those of the resource that the filters name.
func (c caller) tagSets(with []ec2api.Filter) []*network.TagSet {
	if id, ok := exact(with, "resource-id"); ok {
		if set, ok := c.Tags.Get(c.tx, id); ok && set.Scope == c.scope {
			return []*network.TagSet{set}
		}
		return nil
	}
	return slices.Collect(c.Tags.By(c.tx, "scope", c.scope.Key()))
}
