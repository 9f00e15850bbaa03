package sslpolicy

import "strings"

// Default is the policy of a listener whose creator named none.
const Default = "ELBSecurityPolicy-2016-08"

// Policy is a security policy: User Guide for Application Load Balancers, "Security policies".
type Policy struct {
	Name        string
	Versions    []string // TLSv1.3, TLSv1.2, TLSv1.1 and TLSv1: an uninterrupted run, newest first
	Ciphers     []string // by OpenSSL's names, in order of preference
	PostQuantum bool     // key exchange with ML-KEM is offered
	NetworkOnly bool     // not for Application Load Balancers
}

// TLS13 reports whether the policy has TLS 1.3.
func (p *Policy) TLS13() bool { return p.Versions[0] == versions[0] }

// FIPS reports whether the policy has nothing but what FIPS 140 allows.
func (p *Policy) FIPS() bool { return strings.Contains(p.Name, "-FIPS-") }

// Target is the name of the policy for connections to targets when listeners have this one: it cannot be chosen.
func (p *Policy) Target() string {
	switch {
	case p.FIPS() && p.PostQuantum:
		return prefix + "TLS13-1-0-FIPS-PQ-2025-09"
	case p.FIPS():
		return prefix + "TLS13-1-0-FIPS-2023-04"
	case p.PostQuantum:
		return prefix + "TLS13-1-0-PQ-2025-09"
	case p.TLS13():
		return prefix + "TLS13-1-0-2021-06"
	}
	return Default
}

const prefix = "ELBSecurityPolicy-"

var versions = []string{"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"}

// table is in the order of the User Guide. The RFC 9151 policies are missing: they also restrict signature algorithms, which crypto/tls
// leaves no way to do.
var table = []struct {
	name        string
	first, last int // of versions
	classes     class
}{
	{"TLS13-1-3-2021-06", 0, 0, tls13 | chacha},
	{"TLS13-1-3-PQ-2025-09", 0, 0, tls13 | chacha},
	{"TLS13-1-2-2021-06", 0, 1, tls13 | chacha | ephemeral},
	{"TLS13-1-2-PQ-2025-09", 0, 1, tls13 | chacha | ephemeral},
	{"TLS13-1-2-Res-2021-06", 0, 1, tls13 | chacha | gcm},
	{"TLS13-1-2-Res-PQ-2025-09", 0, 1, tls13 | chacha | gcm},
	{"TLS13-1-2-Ext2-2021-06", 0, 1, tls13 | chacha | all12},
	{"TLS13-1-2-Ext2-PQ-2025-09", 0, 1, tls13 | chacha | all12},
	{"TLS13-1-2-Ext1-2021-06", 0, 1, tls13 | chacha | ephemeral | rsa},
	{"TLS13-1-2-Ext1-PQ-2025-09", 0, 1, tls13 | chacha | ephemeral | rsa},
	{"TLS13-1-1-2021-06", 0, 2, tls13 | chacha | all12},
	{"TLS13-1-0-2021-06", 0, 3, tls13 | chacha | all12},
	{"TLS13-1-0-PQ-2025-09", 0, 3, tls13 | chacha | all12},
	{"TLS-1-2-Ext-2018-06", 1, 1, all12},
	{"TLS-1-2-2017-01", 1, 1, ephemeral | rsa},
	{"TLS-1-1-2017-01", 1, 2, all12},
	{"2016-08", 1, 3, all12},
	{"TLS-1-0-2015-04", 1, 3, all12 | des},
	{"2015-05", 1, 3, all12},
	{"TLS13-1-3-FIPS-2023-04", 0, 0, tls13},
	{"TLS13-1-3-FIPS-PQ-2025-09", 0, 0, tls13},
	{"TLS13-1-2-FIPS-2023-04", 0, 1, tls13 | ephemeral},
	{"TLS13-1-2-FIPS-PQ-2025-09", 0, 1, tls13 | ephemeral},
	{"TLS13-1-2-Res-FIPS-2023-04", 0, 1, tls13 | gcm},
	{"TLS13-1-2-Res-FIPS-PQ-2025-09", 0, 1, tls13 | gcm},
	{"TLS13-1-2-Ext2-FIPS-2023-04", 0, 1, tls13 | all12},
	{"TLS13-1-2-Ext2-FIPS-PQ-2025-09", 0, 1, tls13 | all12},
	{"TLS13-1-2-Ext1-FIPS-2023-04", 0, 1, tls13 | ephemeral | rsa},
	{"TLS13-1-2-Ext1-FIPS-PQ-2025-09", 0, 1, tls13 | ephemeral | rsa},
	{"TLS13-1-2-Ext0-FIPS-2023-04", 0, 1, tls13 | forward},
	{"TLS13-1-2-Ext0-FIPS-PQ-2025-09", 0, 1, tls13 | forward},
	{"TLS13-1-1-FIPS-2023-04", 0, 2, tls13 | all12},
	{"TLS13-1-0-FIPS-2023-04", 0, 3, tls13 | all12},
	{"TLS13-1-0-FIPS-PQ-2025-09", 0, 3, tls13 | all12},
	{"FS-1-2-Res-2020-10", 1, 1, gcm},
	{"FS-1-2-Res-2019-08", 1, 1, ephemeral},
	{"FS-1-2-2019-08", 1, 1, forward},
	{"FS-1-1-2019-08", 1, 2, forward},
	{"FS-2018-06", 1, 3, forward},
}

// policies and byName are made from the table once.
var policies, byName = compose()

func compose() ([]Policy, map[string]*Policy) {
	list, names := make([]Policy, len(table)), make(map[string]*Policy, len(table))
	for i, row := range table {
		swapped := strings.Contains(row.name, "FIPS") || strings.HasPrefix(row.name, "FS-")
		list[i] = Policy{
			Name: prefix + row.name, Versions: versions[row.first : row.last+1], Ciphers: ciphers(row.classes, swapped),
			PostQuantum: strings.Contains(row.name, "-PQ-"), NetworkOnly: row.name == "2015-05",
		}
		names[list[i].Name] = &list[i]
	}
	return list, names
}

// All are the policies there are. The list is not to be changed.
func All() []Policy { return policies }

// Find returns the policy called name, nil if there is none.
func Find(name string) *Policy { return byName[name] }
