package ec2

import (
	"context"
	"net/netip"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) prefixList(p *network.PrefixList) *ec2api.ManagedPrefixList {
	out := &ec2api.ManagedPrefixList{
		PrefixListId: new(p.ID), PrefixListArn: new(p.ARN()), PrefixListName: new(p.Name), AddressFamily: new(p.Family),
		OwnerId: new(p.Owner), State: new(p.State), Tags: filled(c.tagsOf(p.ID)),
	}
	if !p.AWS() {
		out.MaxEntries, out.Version = new(int32(p.MaxEntries)), new(p.Version())
	}
	return out
}

func entries(list []ec2api.AddPrefixListEntry) ([]network.PrefixListEntry, error) {
	var out []network.PrefixListEntry
	for _, e := range list {
		p, err := entry(*e.Cidr)
		if err != nil {
			return nil, err
		}
		out = append(out, network.PrefixListEntry{CIDR: p, Description: aws.Val(e.Description)})
	}
	return out, nil
}

func entry(cidr string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return p, invalid("The CIDR block %s is malformed", cidr)
	}
	return p.Masked(), nil
}

// CreateManagedPrefixList makes a prefix list of the account's own.
func (s *Service) CreateManagedPrefixList(ctx context.Context, in *ec2api.CreateManagedPrefixListInput) (*ec2api.CreateManagedPrefixListOutput, error) {
	first, err := entries(in.Entries)
	if err != nil {
		return nil, err
	}
	var out *ec2api.CreateManagedPrefixListOutput
	err = s.change(ctx, in.DryRun, func(c caller) (err error) {
		out, err = idem.Do(c.tx, s.tokens, c.call, in.ClientToken, in, func() (*ec2api.CreateManagedPrefixListOutput, error) {
			p, err := c.CreatePrefixList(c.tx, c.scope, network.PrefixListSpec{
				Name: *in.PrefixListName, Family: *in.AddressFamily, MaxEntries: int(*in.MaxEntries), Entries: first,
			})
			if err != nil {
				return nil, err
			}
			if err := c.created(in.TagSpecifications, "prefix-list", p.ID); err != nil {
				return nil, err
			}
			return &ec2api.CreateManagedPrefixListOutput{PrefixList: c.prefixList(p)}, nil
		})
		return err
	})
	return out, err
}

// DeleteManagedPrefixList deletes a prefix list that nothing refers to.
func (s *Service) DeleteManagedPrefixList(ctx context.Context, in *ec2api.DeleteManagedPrefixListInput) (*ec2api.DeleteManagedPrefixListOutput, error) {
	out := &ec2api.DeleteManagedPrefixListOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		p, err := c.DeletePrefixList(c.tx, c.scope, *in.PrefixListId)
		if err != nil {
			return err
		}
		out.PrefixList = c.prefixList(p)
		out.PrefixList.State = new("delete-complete")
		return nil
	})
}

// ModifyManagedPrefixList changes a prefix list's entries, size or name.
func (s *Service) ModifyManagedPrefixList(ctx context.Context, in *ec2api.ModifyManagedPrefixListInput) (*ec2api.ModifyManagedPrefixListOutput, error) {
	if err := refuse("ModifyManagedPrefixList", has("IpamPrefixListResolverSyncEnabled", in.IpamPrefixListResolverSyncEnabled)); err != nil {
		return nil, err
	}
	change := network.PrefixListChange{Name: in.PrefixListName, Version: in.CurrentVersion}
	if in.MaxEntries != nil {
		change.MaxEntries = new(int(*in.MaxEntries))
	}
	var err error
	if change.Add, err = entries(in.AddEntries); err != nil {
		return nil, err
	}
	for _, r := range in.RemoveEntries {
		p, err := entry(*r.Cidr)
		if err != nil {
			return nil, err
		}
		change.Remove = append(change.Remove, p)
	}
	out := &ec2api.ModifyManagedPrefixListOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		p, err := c.ModifyPrefixList(c.tx, c.scope, *in.PrefixListId, change)
		if err != nil {
			return err
		}
		out.PrefixList = c.prefixList(p)
		return nil
	})
}

// RestoreManagedPrefixListVersion makes the entries of an earlier version the current ones.
func (s *Service) RestoreManagedPrefixListVersion(ctx context.Context, in *ec2api.RestoreManagedPrefixListVersionInput) (*ec2api.RestoreManagedPrefixListVersionOutput, error) {
	out := &ec2api.RestoreManagedPrefixListVersionOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		p, err := c.RestorePrefixList(c.tx, c.scope, *in.PrefixListId, *in.PreviousVersion, *in.CurrentVersion)
		if err != nil {
			return err
		}
		out.PrefixList = c.prefixList(p)
		return nil
	})
}

var prefixListFilters = filters[*network.PrefixList]{
	"owner-id":         one(func(p *network.PrefixList) string { return p.Owner }),
	"prefix-list-id":   one(func(p *network.PrefixList) string { return p.ID }),
	"prefix-list-name": one(func(p *network.PrefixList) string { return p.Name }),
}

func (c caller) prefixLists(ids []string, with []ec2api.Filter, token *string, max *int32) ([]*network.PrefixList, *string, error) {
	return listing[*network.PrefixList]{
		all: c.PrefixLists.By(c.tx, "scope", c.scope.Key()), filters: prefixListFilters, tags: c.tagMap,
		id:  func(p *network.PrefixList) string { return p.ID },
		get: func(id string) (*network.PrefixList, error) { return c.PrefixList(c.tx, c.scope, id) },
		ids: ids, parameter: "prefixListIds", with: with, token: token, max: max,
	}.rows()
}

// DescribeManagedPrefixLists lists the account's prefix lists and AWS's.
func (s *Service) DescribeManagedPrefixLists(ctx context.Context, in *ec2api.DescribeManagedPrefixListsInput) (*ec2api.DescribeManagedPrefixListsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := c.prefixLists(in.PrefixListIds, in.Filters, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeManagedPrefixListsOutput{PrefixLists: []ec2api.ManagedPrefixList{}, NextToken: next}
	for _, p := range rows {
		out.PrefixLists = append(out.PrefixLists, *c.prefixList(p))
	}
	return out, nil
}

// DescribePrefixLists lists AWS's prefix lists with their blocks.
func (s *Service) DescribePrefixLists(ctx context.Context, in *ec2api.DescribePrefixListsInput) (*ec2api.DescribePrefixListsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	with := append([]ec2api.Filter{{Name: new("owner-id"), Values: []string{"AWS"}}}, in.Filters...)
	rows, next, err := c.prefixLists(in.PrefixListIds, with, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribePrefixListsOutput{PrefixLists: []ec2api.PrefixList{}, NextToken: next}
	for _, p := range rows {
		shown := ec2api.PrefixList{Cidrs: []string{}, PrefixListId: new(p.ID), PrefixListName: new(p.Name)}
		for _, e := range p.Entries() {
			shown.Cidrs = append(shown.Cidrs, e.CIDR.String())
		}
		out.PrefixLists = append(out.PrefixLists, shown)
	}
	return out, nil
}

// GetManagedPrefixListEntries lists the entries of a version of a prefix list.
func (s *Service) GetManagedPrefixListEntries(ctx context.Context, in *ec2api.GetManagedPrefixListEntriesInput) (*ec2api.GetManagedPrefixListEntriesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	p, err := c.PrefixList(c.tx, c.scope, *in.PrefixListId)
	if err != nil {
		return nil, err
	}
	all, err := p.EntriesAt(aws.Val(in.TargetVersion))
	if err != nil {
		return nil, err
	}
	rows, next, err := page.Of(all, func(e network.PrefixListEntry) string { return e.CIDR.String() }, in.NextToken, int(aws.Val(in.MaxResults)), 100, 100)
	if err != nil {
		return nil, err
	}
	out := &ec2api.GetManagedPrefixListEntriesOutput{Entries: []ec2api.PrefixListEntry{}, NextToken: next}
	for _, e := range rows {
		out.Entries = append(out.Entries, ec2api.PrefixListEntry{Cidr: new(e.CIDR.String()), Description: optional(e.Description)})
	}
	return out, nil
}

// GetManagedPrefixListAssociations lists what refers to a prefix list.
func (s *Service) GetManagedPrefixListAssociations(ctx context.Context, in *ec2api.GetManagedPrefixListAssociationsInput) (*ec2api.GetManagedPrefixListAssociationsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	if _, err := c.PrefixList(c.tx, c.scope, *in.PrefixListId); err != nil {
		return nil, err
	}
	users := c.PrefixListUsers(c.tx, c.scope, *in.PrefixListId)
	rows, next, err := page.Of(users, func(id string) string { return id }, in.NextToken, int(aws.Val(in.MaxResults)), 100, 255)
	if err != nil {
		return nil, err
	}
	out := &ec2api.GetManagedPrefixListAssociationsOutput{PrefixListAssociations: []ec2api.PrefixListAssociation{}, NextToken: next}
	for _, id := range rows {
		out.PrefixListAssociations = append(out.PrefixListAssociations, ec2api.PrefixListAssociation{ResourceId: new(id), ResourceOwner: new(c.scope.Account)})
	}
	return out, nil
}
