package cert

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// Request makes a row for a certificate that was asked for. ARN, Names, type and times are filled in; Names are the further names.
func (e *Engine) Request(tx *state.Tx, c Certificate, now time.Time) *Certificate {
	further := c.Names
	c.Names = []string{c.Domain}
	for _, n := range further {
		if !containsFold(c.Names, n) {
			c.Names = append(c.Names, n)
		}
	}
	c.ARN, c.Type, c.CreatedAt = newARN(c.Account, c.Region), AmazonIssued, now.UTC()
	c.ValidatedAt = c.CreatedAt.Add(e.clock.Wait(validation))
	e.Certificates.Put(tx, &c)
	return &c
}

// Record is the CNAME that shows a domain is the caller's: the same for all of an account's requests, and for a wildcard and the name
// below it.
func Record(account, domain string) (name, value string) {
	domain = strings.TrimPrefix(strings.ToLower(domain), "*.")
	sum := sha256.Sum256([]byte(account + "/" + domain))
	return fmt.Sprintf("_%s.%s.", hex.EncodeToString(sum[:16]), domain), fmt.Sprintf("_%s.acm-validations.aws.", hex.EncodeToString(sum[16:]))
}

// mailboxes are who is asked about a domain by mail ("AWS Certificate Manager email validation").
var mailboxes = []string{"administrator", "hostmaster", "postmaster", "webmaster", "admin"}

// ValidationDomain is where mail about one of the certificate's names goes.
func (c *Certificate) ValidationDomain(name string) string {
	if d, ok := c.ValidationDomains[name]; ok {
		return d
	}
	return strings.TrimPrefix(name, "*.")
}

// Emails are the addresses that mail about a domain goes to.
func Emails(domain string) []string {
	var list []string
	for _, m := range mailboxes {
		list = append(list, m+"@"+domain)
	}
	return list
}

// Covers is whether mail to a domain can show that a name is its owner's: it is the name or above it, and not a top level.
func Covers(domain, name string) bool {
	domain, name = strings.ToLower(domain), strings.TrimPrefix(strings.ToLower(name), "*.")
	return strings.Contains(domain, ".") && (name == domain || strings.HasSuffix(name, "."+domain))
}

// domainForm is that of the names of ACM's certificates (ACM API Reference, RequestCertificate).
var domainForm = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)

func isDomain(s string) bool { return len(s) <= 253 && domainForm.MatchString(s) }

func newARN(account, region string) string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return arn.New("acm", region, account, fmt.Sprintf("certificate/%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
