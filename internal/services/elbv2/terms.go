package elbv2

import (
	"slices"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// terms are what a request says about a listener's TLS; empty members are not said.
type terms struct {
	certificate, policy, alpn string
	mutual                    *balance.Mutual
}

// alpnPolicies are those of TLS listeners: User Guide for Network Load Balancers, "ALPN policies".
var alpnPolicies = []string{"HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"}

func termsOf(certificates []elbv2api.Certificate, policy *string, alpn []string, m *elbv2api.MutualAuthenticationAttributes) (t terms, err error) {
	switch {
	case len(certificates) > 1:
		return t, invalid("You must specify exactly one certificate; use AddListenerCertificates to add others")
	case len(certificates) == 1:
		arns, err := certificateARNs(certificates)
		if err != nil {
			return t, err
		}
		t.certificate = arns[0]
	}
	if t.policy = aws.Val(policy); t.policy != "" {
		if sslpolicy.Find(t.policy) == nil {
			return t, elbv2api.ErrSSLPolicyNotFoundException.New("SSL policy '%s' not found", t.policy)
		}
	}
	switch {
	case len(alpn) > 1:
		return t, invalid("You can specify only one ALPN policy")
	case len(alpn) == 1:
		if t.alpn = alpn[0]; !slices.Contains(alpnPolicies, t.alpn) {
			return t, elbv2api.ErrALPNPolicyNotSupportedException.New("ALPN policy '%s' is not supported", t.alpn)
		}
	}
	t.mutual, err = mutualOf(m)
	return t, err
}

// mutualOf is what a request asks of client certificates: User Guide for Application Load Balancers, "Mutual authentication with TLS".
func mutualOf(in *elbv2api.MutualAuthenticationAttributes) (*balance.Mutual, error) {
	if in == nil {
		return nil, nil
	}
	m := &balance.Mutual{
		Mode: balance.MutualOff, TrustStoreARN: aws.Val(in.TrustStoreArn), IgnoreExpiry: aws.Val(in.IgnoreClientCertificateExpiry),
		AdvertiseCAs: aws.Val(in.AdvertiseTrustStoreCaNames) == elbv2api.AdvertiseTrustStoreCaNamesEnumOn,
	}
	if in.Mode != nil {
		m.Mode = *in.Mode
	}
	switch verify := m.Mode == balance.MutualVerify; {
	case !slices.Contains([]string{balance.MutualOff, balance.MutualVerify, balance.MutualPassthrough}, m.Mode):
		return nil, invalid("Mutual Authentication mode '%s' must be one of 'off, passthrough, verify'", m.Mode)
	case verify && m.TrustStoreARN == "":
		return nil, invalid("Mutual Authentication mode verify requires a trust store")
	case !verify && m.TrustStoreARN != "":
		return nil, invalid("Mutual Authentication mode %s does not support trust store", m.Mode)
	case !verify && m.IgnoreExpiry:
		return nil, invalid("Mutual Authentication mode %s does not support ignoring client certificate expiry", m.Mode)
	case !verify && m.AdvertiseCAs:
		return nil, invalid("Mutual Authentication mode %s does not support advertising trust store CA names", m.Mode)
	case verify:
		return m, checkARN("truststore", m.TrustStoreARN)
	}
	return m, nil
}

// mutual shows it; what goes with a trust store only where there is one.
func mutual(m balance.Mutual) *elbv2api.MutualAuthenticationAttributes {
	out := &elbv2api.MutualAuthenticationAttributes{Mode: new(m.Mode)}
	if m.Mode == balance.MutualVerify {
		advertised := elbv2api.AdvertiseTrustStoreCaNamesEnumOff
		if m.AdvertiseCAs {
			advertised = elbv2api.AdvertiseTrustStoreCaNamesEnumOn
		}
		out.TrustStoreArn, out.IgnoreClientCertificateExpiry, out.AdvertiseTrustStoreCaNames = new(m.TrustStoreARN), new(m.IgnoreExpiry), &advertised
		out.TrustStoreAssociationStatus = new(elbv2api.TrustStoreAssociationStatusEnumActive)
	}
	return out
}

// certificates are those that have to be there.
func (t terms) certificates() []string {
	if t.certificate == "" {
		return nil
	}
	return []string{t.certificate}
}

// tls is what a new listener has of TLS, nil if the request says nothing about it.
func (t terms) tls() *balance.TLS {
	if t == (terms{}) {
		return nil
	}
	out := &balance.TLS{Policy: balance.DefaultPolicy, Certificates: t.certificates(), ALPN: t.alpn, Mutual: balance.Mutual{Mode: balance.MutualOff}}
	if t.policy != "" {
		out.Policy = t.policy
	}
	if t.mutual != nil {
		out.Mutual = *t.mutual
	}
	return out
}
