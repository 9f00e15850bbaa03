package network

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// PrefixList is a named set of CIDR blocks that rules and routes refer to.
type PrefixList struct {
	Scope
	ID         string
	Name       string
	Family     string // "IPv4" or "IPv6"
	MaxEntries int    // 0 for those of AWS
	Owner      string // the account, or "AWS"
	State      string // as of the last change: create-complete, modify-complete, restore-complete
	Versions   []PrefixListVersion
}

// PrefixListVersion is what a list consisted of at one time. Versions count from 1 and are all kept.
type PrefixListVersion struct{ Entries []PrefixListEntry }

// PrefixListEntry is a block of a prefix list.
type PrefixListEntry struct {
	CIDR        netip.Prefix
	Description string
}

// Version is the current version's number.
func (p *PrefixList) Version() int64 { return int64(len(p.Versions)) }

// Entries are the current ones, in order of address.
func (p *PrefixList) Entries() []PrefixListEntry { return p.Versions[len(p.Versions)-1].Entries }

// ARN of the prefix list.
func (p *PrefixList) ARN() string {
	account := p.Account
	if p.AWS() {
		account = "aws"
	}
	return arn.New("ec2", p.Region, account, "prefix-list/"+p.ID)
}

// AWS says whether the list is one of AWS's own, which users can only read.
func (p *PrefixList) AWS() bool { return p.Owner == "AWS" }

// PrefixList finds a prefix list of the scope.
func (t *Tables) PrefixList(tx *state.Tx, scope Scope, id string) (*PrefixList, error) {
	if p, ok := t.PrefixLists.Get(tx, scope.Key()+"/"+id); ok {
		return p, nil
	}
	return nil, ErrPrefixListNotFound.New("The prefix list ID '%s' does not exist", id)
}

// PrefixListSpec is a prefix list to be created.
type PrefixListSpec struct {
	Name, Family string
	MaxEntries   int
	Entries      []PrefixListEntry
}

// CreatePrefixList makes a prefix list.
func (t *Tables) CreatePrefixList(tx *state.Tx, scope Scope, spec PrefixListSpec) (*PrefixList, error) {
	if spec.Family != "IPv4" && spec.Family != "IPv6" {
		return nil, ErrInvalid.New("The address family %s is invalid.", spec.Family)
	}
	if spec.MaxEntries < 1 || spec.MaxEntries > 1000 {
		return nil, ErrInvalid.New("The maximum number of entries must be between 1 and 1000.")
	}
	p := &PrefixList{
		Scope: scope, ID: NewID("pl"), Name: spec.Name, Family: spec.Family, MaxEntries: spec.MaxEntries,
		Owner: scope.Account, State: "create-complete",
	}
	entries, err := p.edit(nil, spec.Entries, nil)
	if err != nil {
		return nil, err
	}
	p.Versions = []PrefixListVersion{{entries}}
	t.PrefixLists.Put(tx, p)
	return p, nil
}

// PrefixListChange is a change of a prefix list, based on a version of it.
type PrefixListChange struct {
	Name       *string
	MaxEntries *int
	Version    *int64
	Add        []PrefixListEntry
	Remove     []netip.Prefix
}

// ModifyPrefixList changes a list; a change of its entries makes a new version.
func (t *Tables) ModifyPrefixList(tx *state.Tx, scope Scope, id string, change PrefixListChange) (*PrefixList, error) {
	p, err := t.ownPrefixList(tx, scope, id)
	if err != nil {
		return nil, err
	}
	c := *p
	if change.Name != nil {
		c.Name = *change.Name
	}
	if change.MaxEntries != nil {
		if len(change.Add)+len(change.Remove) > 0 {
			return nil, ErrInvalid.New("You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time.")
		}
		c.MaxEntries = *change.MaxEntries
		if c.MaxEntries < 1 || c.MaxEntries > 1000 || c.MaxEntries < len(p.Entries()) {
			return nil, ErrInvalid.New("The maximum number of entries must be between 1 and 1000 and not less than the number of entries.")
		}
	}
	if len(change.Add)+len(change.Remove) > 0 {
		if change.Version == nil {
			return nil, ErrMissing.New("The request must contain the parameter CurrentVersion")
		}
		if err := p.current(*change.Version); err != nil {
			return nil, err
		}
		entries, err := c.edit(p.Entries(), change.Add, change.Remove)
		if err != nil {
			return nil, err
		}
		c.Versions = append(slices.Clone(p.Versions), PrefixListVersion{entries})
	}
	c.State = "modify-complete"
	t.PrefixLists.Put(tx, &c)
	return &c, nil
}

// RestorePrefixList makes an earlier version's entries the current ones, as a new version.
func (t *Tables) RestorePrefixList(tx *state.Tx, scope Scope, id string, previous, current int64) (*PrefixList, error) {
	p, err := t.ownPrefixList(tx, scope, id)
	if err != nil {
		return nil, err
	}
	if err := p.current(current); err != nil {
		return nil, err
	}
	old, ok := p.at(previous)
	if !ok {
		return nil, ErrInvalid.New("The prefix list '%s' has no version %d", id, previous)
	}
	c := *p
	c.Versions = append(slices.Clone(p.Versions), PrefixListVersion{old})
	c.State = "restore-complete"
	t.PrefixLists.Put(tx, &c)
	return &c, nil
}

// DeletePrefixList deletes a list that no rule and no route names.
func (t *Tables) DeletePrefixList(tx *state.Tx, scope Scope, id string) (*PrefixList, error) {
	p, err := t.ownPrefixList(tx, scope, id)
	if err != nil {
		return nil, err
	}
	if len(t.PrefixListUsers(tx, scope, id)) > 0 {
		return nil, ErrDependency.New("The prefix list '%s' is in use by one or more resources.", id)
	}
	t.PrefixLists.Delete(tx, scope.Key()+"/"+id)
	t.Tags.Delete(tx, id)
	return p, nil
}

// PrefixListUsers are the ids of the security groups and route tables that name the list.
func (t *Tables) PrefixListUsers(tx *state.Tx, scope Scope, id string) []string {
	var ids []string
	for r := range t.Rules.By(tx, "peer", id) {
		if r.Scope == scope {
			ids = append(ids, r.GroupID)
		}
	}
	for rt := range t.RouteTables.By(tx, "target", id) {
		if rt.Scope == scope {
			ids = append(ids, rt.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// EntriesAt are the entries of a version, 0 for the current one.
func (p *PrefixList) EntriesAt(version int64) ([]PrefixListEntry, error) {
	if version == 0 {
		version = p.Version()
	}
	entries, ok := p.at(version)
	if !ok {
		return nil, ErrInvalid.New("The prefix list '%s' has no version %d", p.ID, version)
	}
	return entries, nil
}

func (p *PrefixList) at(version int64) ([]PrefixListEntry, bool) {
	if version < 1 || version > p.Version() {
		return nil, false
	}
	return p.Versions[version-1].Entries, true
}

func (p *PrefixList) current(version int64) error {
	if version != p.Version() {
		return class("PrefixListVersionMismatch").New("The prefix list has the incorrect version number, the current version is %d", p.Version())
	}
	return nil
}

func (t *Tables) ownPrefixList(tx *state.Tx, scope Scope, id string) (*PrefixList, error) {
	p, err := t.PrefixList(tx, scope, id)
	if err != nil {
		return nil, err
	}
	if p.AWS() {
		return nil, notYours()
	}
	return p, nil
}

// edit is the list's entries after a change. Adding an entry that is there changes its description.
func (p *PrefixList) edit(entries, add []PrefixListEntry, remove []netip.Prefix) ([]PrefixListEntry, error) {
	byCIDR := map[netip.Prefix]PrefixListEntry{}
	for _, e := range entries {
		byCIDR[e.CIDR] = e
	}
	for _, r := range remove {
		if _, ok := byCIDR[r]; !ok {
			return nil, ErrInvalid.New("The prefix list '%s' does not contain the CIDR %s", p.ID, r)
		}
		delete(byCIDR, r)
	}
	for _, e := range add {
		if e.CIDR.Addr().Is6() != (p.Family == "IPv6") {
			return nil, ErrInvalid.New("The CIDR %s is not valid for address family %s", e.CIDR, p.Family)
		}
		byCIDR[e.CIDR] = e
	}
	if p.MaxEntries > 0 && len(byCIDR) > p.MaxEntries {
		return nil, class("PrefixListMaxEntriesExceeded").New("You've reached the maximum number of entries for the prefix list.")
	}
	out := make([]PrefixListEntry, 0, len(byCIDR))
	for _, e := range byCIDR {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b PrefixListEntry) int {
		if c := a.CIDR.Addr().Compare(b.CIDR.Addr()); c != 0 {
			return c
		}
		return a.CIDR.Bits() - b.CIDR.Bits()
	})
	return out, nil
}

// awsPrefixLists adds the lists that AWS keeps in every region. They name where S3, DynamoDB and CloudFront are reached from a VPC.
// Nothing stands at such addresses here yet, so they have no entries, and a rule or route that names one matches nothing.
func (t *Tables) awsPrefixLists(tx *state.Tx, scope Scope) {
	for _, name := range []string{
		"com.amazonaws." + scope.Region + ".s3",
		"com.amazonaws." + scope.Region + ".dynamodb",
		"com.amazonaws.global.cloudfront.origin-facing",
	} {
		sum := sha256.Sum256([]byte(scope.Region + name))
		t.PrefixLists.Put(tx, &PrefixList{
			Scope: scope, ID: "pl-" + hex.EncodeToString(sum[:4]), Name: name, Family: "IPv4", Owner: "AWS", State: "create-complete",
			Versions: []PrefixListVersion{{}},
		})
	}
}
