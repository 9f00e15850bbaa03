package network

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// ParseCIDR reads an IPv4 block and takes it to its canonical form, as EC2 does with 100.68.0.18/18. The parameter is named in the error.
func ParseCIDR(s, parameter string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, awserr.New("InvalidParameterValue", 400,
			"Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", s, parameter)
	}
	return p.Masked(), nil
}

// parseRuleCIDR reads the other end of a security group rule, IPv4 or IPv6, with the error text rules have.
func parseRuleCIDR(s string, v6 bool) (netip.Prefix, error) {
	malformed := awserr.New("InvalidParameterValue", 400, "CIDR block %s is malformed", s)
	address, length, ok := strings.Cut(s, "/")
	if !ok {
		return netip.Prefix{}, malformed
	}
	a, err := netip.ParseAddr(address)
	n, lengthErr := strconv.Atoi(length)
	if err != nil || lengthErr != nil || a.Is6() != v6 || a.Zone() != "" {
		return netip.Prefix{}, malformed
	}
	p, err := a.Prefix(n)
	if err != nil {
		return netip.Prefix{}, malformed
	}
	return p, nil
}

// vpcBlock says whether a VPC may have the block: /16 to /28, and none of the ranges that can not be anybody's.
func vpcBlock(p netip.Prefix) bool {
	a := p.Addr()
	return p.Bits() >= 16 && p.Bits() <= 28 && !a.IsMulticast() && !a.IsLoopback() && a.As4()[0] != 0 &&
		a.As4()[0] < 224 && !a.IsLinkLocalUnicast()
}

// inside says whether inner lies within outer.
func inside(inner, outer netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
