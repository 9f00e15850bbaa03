package registry

import (
	"regexp"
	"strings"
)

// Place says where the registry's names are: a repository of the default
// account and Region is ENDPOINT/NAME, one of another is
// ENDPOINT/ACCOUNT/REGION/NAME. AWS's own host names work too, in task
// definitions and in the Host header.
type Place struct {
	Endpoint        string // host:port that docker pushes to
	Account, Region string // the default ones
}

var (
	awsHost   = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+(?::[0-9]+)?$`)
	qualified = regexp.MustCompile(`^([0-9]{12})/([a-z]{2}(?:-[a-z]+)+-[0-9])/(.+)$`)
)

// URI is a repository's name for docker.
func (p Place) URI(account, region, name string) string {
	if account == p.Account && region == p.Region {
		return p.Endpoint + "/" + name
	}
	return p.Endpoint + "/" + Key(account, region, name)
}

// Key is the repository that a request to host with a name in its path means.
func (p Place) Key(host, name string) string {
	if m := awsHost.FindStringSubmatch(host); m != nil {
		return Key(m[1], m[2], name)
	}
	if m := qualified.FindStringSubmatch(name); m != nil {
		return name
	}
	return Key(p.Account, p.Region, name)
}

// Qualified says whether a repository's name would be taken for one with account and Region.
func Qualified(name string) bool { return qualified.MatchString(name) }

// Local turns an image's name into one at this registry, if it is one of its
// own: by AWS's host names or by the endpoint.
func (p Place) Local(image string) (string, bool) {
	host, rest, ok := strings.Cut(image, "/")
	if !ok {
		return "", false
	}
	if m := awsHost.FindStringSubmatch(host); m != nil {
		return p.Endpoint + "/" + Key(m[1], m[2], rest), true
	}
	return image, host == p.Endpoint
}

// Serves says whether a registry's host name in image names means this one.
func (p Place) Serves(host string) bool { return host == p.Endpoint || awsHost.MatchString(host) }

// Owner is the account whose repository an image's name means; false where the
// image is of another registry.
func (p Place) Owner(image string) (string, bool) {
	host, rest, ok := strings.Cut(image, "/")
	if !ok || !p.Serves(host) {
		return "", false
	}
	account, _, _ := strings.Cut(p.Key(host, rest), "/")
	return account, true
}
