package publish

import (
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// Certificates has what listeners present. cert.Tables is it.
type Certificates interface {
	// KeyPair is the PEM of a certificate followed by its issuers, and that of its key.
	KeyPair(tx *state.Tx, arn string) (chain, key string, ok bool)
	// Changing are the tables whose changes may change that: by a renewal, or another import.
	Changing() []state.AnyTable
}

// addCertificates adds the certificates of all listeners. One that is gone, which its users prevent, is left out of its listeners: edge
// would refuse the whole snapshot for it.
func (p *Publisher) addCertificates(tx *state.Tx, s *edgeapi.Snapshot) {
	used := map[string]edgeapi.Certificate{}
	gone := func(arn string) bool {
		if _, ok := used[arn]; ok {
			return false
		}
		chain, key, ok := p.Certificates.KeyPair(tx, arn)
		if ok {
			used[arn] = edgeapi.Certificate{ARN: arn, Chain: chain, Key: key}
		}
		return !ok
	}
	for i := range s.LoadBalancers {
		for j := range s.LoadBalancers[i].Listeners {
			if t := s.LoadBalancers[i].Listeners[j].TLS; t != nil {
				t.Certificates = slices.DeleteFunc(slices.Clone(t.Certificates), gone)
			}
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(used)) {
		s.Certificates = append(s.Certificates, used[arn])
	}
}
