package balance

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// TrustStore is what client certificates are verified against: certificates of authorities, and lists of what these have revoked.
type TrustStore struct {
	network.Scope
	ARN            string
	Name           string
	Bundle         string // PEM
	Authorities    int    // certificates in it
	Source         Source // of the bundle
	CreatedAt      time.Time
	LastRevocation int64 // highest id given to a revocation list
}

// Source is the object of S3 that something was read from.
type Source struct{ Bucket, Key, Version string }

// Revocation is a revocation list of a trust store.
type Revocation struct {
	TrustStoreARN string
	ID            int64
	Type          string
	Content       string // PEM
	Entries       int    // certificates revoked by it
	Source        Source
}

// RevocationCRL is the one type of revocation lists.
const RevocationCRL = "CRL"

// TrustStore finds a trust store of the scope.
func (t *Tables) TrustStore(tx *state.Tx, scope network.Scope, arn string) (*TrustStore, error) {
	s, ok := t.TrustStores.Get(tx, arn)
	if !ok || s.Scope != scope {
		return nil, ErrTrustStoreNotFound.New("Trust store '%s' not found", arn)
	}
	return s, nil
}

// TrustStoreNamed finds a trust store by its name.
func (t *Tables) TrustStoreNamed(tx *state.Tx, scope network.Scope, name string) (*TrustStore, error) {
	for s := range t.TrustStores.By(tx, "name", nameKey(scope, name)) {
		return s, nil
	}
	return nil, ErrTrustStoreNotFound.New("Trust store '%s' not found", name)
}

// TrustStoresOf are all trust stores of a scope.
func (t *Tables) TrustStoresOf(tx *state.Tx, scope network.Scope) []*TrustStore {
	return slices.Collect(t.TrustStores.By(tx, "scope", scope.Key()))
}

// CreateTrustStore makes a trust store of what is filled in of s.
//
// Errors: DuplicateTrustStoreName, TooManyTrustStores.
func (b *Balance) CreateTrustStore(tx *state.Tx, s TrustStore, tags map[string]string) (*TrustStore, error) {
	if _, err := b.TrustStoreNamed(tx, s.Scope, s.Name); err == nil {
		return nil, ErrDuplicateTrustStore.New("A trust store with the same name '%s' exists", s.Name)
	}
	if len(b.TrustStoresOf(tx, s.Scope)) >= MaxTrustStores {
		return nil, ErrTooManyTrustStores.New("The maximum number of trust stores has been reached: '%d'", MaxTrustStores)
	}
	s.ARN = arnOf(s.Scope, "truststore/"+s.Name+"/"+newID())
	s.CreatedAt = stamp(s.CreatedAt)
	b.TrustStores.Put(tx, &s)
	return &s, b.SetTags(tx, s.ARN, tags)
}

// SetBundle replaces a trust store's certificates.
func (b *Balance) SetBundle(tx *state.Tx, s *TrustStore, bundle string, authorities int, from Source) *TrustStore {
	c := *s
	c.Bundle, c.Authorities, c.Source = bundle, authorities, from
	b.TrustStores.Put(tx, &c)
	return &c
}

// DeleteTrustStore deletes a trust store that no listener verifies with.
func (b *Balance) DeleteTrustStore(tx *state.Tx, s *TrustStore) error {
	if !none(b.Listeners.By(tx, "truststore", s.ARN)) {
		return ErrTrustStoreInUse.New("Trust store '%s' is currently in use by a listener", s.ARN)
	}
	for r := range b.Revocations.All(tx, groupPrefix(s.ARN)) {
		b.Revocations.Delete(tx, revocationKey(r.TrustStoreARN, r.ID))
	}
	b.TrustStores.Delete(tx, s.ARN)
	b.Tags.Delete(tx, s.ARN)
	return nil
}

// AddRevocations adds lists, whose ids it gives out.
//
// Errors: TooManyTrustStoreRevocationEntries.
func (b *Balance) AddRevocations(tx *state.Tx, s *TrustStore, lists []Revocation) ([]*Revocation, error) {
	have := b.RevocationsOf(tx, s.ARN)
	entries := 0
	for _, r := range have {
		entries += r.Entries
	}
	c := *s
	var added []*Revocation
	for _, r := range lists {
		c.LastRevocation++
		r.TrustStoreARN, r.ID = s.ARN, c.LastRevocation
		entries += r.Entries
		b.Revocations.Put(tx, &r)
		added = append(added, &r)
	}
	octets := 0
	for r := range b.Revocations.All(tx, "") {
		octets += len(r.Content)
	}
	if err := CheckRevocations(len(have)+len(lists), entries, octets); err != nil {
		return nil, err
	}
	b.TrustStores.Put(tx, &c)
	return added, nil
}

// CheckRevocations says whether a trust store may have so many lists with so many entries, and all trust stores lists of so many
// octets. Whoever reads lists asks as it goes on, before AddRevocations does about all.
//
// Errors: TooManyTrustStoreRevocationEntries.
func CheckRevocations(lists, entries, octets int) error {
	switch {
	case lists > MaxRevocationLists || entries > MaxRevocationEntries:
		return ErrTooManyRevocations.New("The maximum number of revocation lists ('%d') or of revoked entries ('%d') of a trust store has been reached",
			MaxRevocationLists, MaxRevocationEntries)
	case octets > MaxRevocationOctets:
		return ErrTooManyRevocations.New("The revocation lists of all trust stores have more than '%d' octets", MaxRevocationOctets)
	}
	return nil
}

// RemoveRevocations removes lists, all or none.
func (b *Balance) RemoveRevocations(tx *state.Tx, s *TrustStore, ids []int64) error {
	for _, id := range ids {
		if !b.Revocations.Delete(tx, revocationKey(s.ARN, id)) {
			return ErrRevocationNotFound.New("Revocation '%d' not found in trust store '%s'", id, s.ARN)
		}
	}
	return nil
}

// Revocation finds a trust store's list.
func (t *Tables) Revocation(tx *state.Tx, s *TrustStore, id int64) (*Revocation, error) {
	r, ok := t.Revocations.Get(tx, revocationKey(s.ARN, id))
	if !ok {
		return nil, ErrRevocationNotFound.New("Revocation '%d' not found in trust store '%s'", id, s.ARN)
	}
	return r, nil
}

// RevocationsOf are a trust store's lists in the order they were added.
func (t *Tables) RevocationsOf(tx *state.Tx, arn string) []*Revocation {
	list := slices.Collect(t.Revocations.All(tx, groupPrefix(arn)))
	slices.SortFunc(list, func(a, b *Revocation) int { return int(a.ID - b.ID) })
	return list
}

// TrustStoreUsers are the ARNs of the load balancers that verify with a trust store.
func (t *Tables) TrustStoreUsers(tx *state.Tx, arn string) []string {
	users := map[string]bool{}
	for l := range t.Listeners.By(tx, "truststore", arn) {
		users[l.LoadBalancerARN] = true
	}
	return slices.Sorted(maps.Keys(users))
}

// verifiersFit is whether the listener may verify clients besides its load balancer's other listeners that do.
func (b *Balance) verifiersFit(tx *state.Tx, l *Listener) error {
	n := 1
	for o := range b.Listeners.By(tx, "loadbalancer", l.LoadBalancerARN) {
		if o.ARN != l.ARN && o.trustStore() != nil {
			n++
		}
	}
	if n > MaxVerifiers {
		return ErrInvalidConfiguration.New("The maximum number of listeners with mutual authentication mode 'verify' per load balancer has been reached: '%d'", MaxVerifiers)
	}
	return nil
}

func revocationKey(trustStore string, id int64) string {
	return groupPrefix(trustStore) + strconv.FormatInt(id, 10)
}
