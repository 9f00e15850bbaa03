package cert

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// Types of ACM certificates.
const (
	Imported     = "IMPORTED"
	AmazonIssued = "AMAZON_ISSUED"
)

// States of ACM certificates. None is stored: see Certificate.Status.
const (
	PendingValidation = "PENDING_VALIDATION"
	Issued            = "ISSUED"
	Expired           = "EXPIRED"
	Failed            = "FAILED"
)

// Reasons why a certificate is FAILED ("CertificateDetail", FailureReason).
const (
	InvalidPublicDomain = "INVALID_PUBLIC_DOMAIN"
	OtherReason         = "OTHER"
)

// States of a renewal.
const (
	RenewalPending = "PENDING_AUTO_RENEWAL"
	RenewalDone    = "SUCCESS"
	RenewalFailed  = "FAILED"
)

// Material is a certificate with its key, all PEM.
type Material struct {
	Body  string // the certificate alone
	Chain string // its issuers, the immediate one first; may be empty
	Key   string // PKCS #8
}

// FullChain is what a server presents: the certificate, then its issuers.
func (m *Material) FullChain() string { return m.Body + m.Chain }

// Certificate is a certificate of ACM.
type Certificate struct {
	ARN             string
	Account, Region string
	Type            string
	Domain          string
	Names           []string // Domain and the further ones
	KeyAlgorithm    string
	Tags            map[string]string
	CreatedAt       time.Time

	Material            // empty until it is issued
	NotBefore, NotAfter time.Time
	ImportedAt          time.Time
	IssuedAt            time.Time
	Exported            bool // since it was issued or last renewed

	// Of requested certificates.
	ValidationMethod  string            // DNS or EMAIL
	ValidationDomains map[string]string // where mail for a name goes, if it is not the name
	ValidatedAt       time.Time         // when validation is to succeed, or did
	FailureReason     string            // why it is never issued; empty of all others
	Transparency      string            // ENABLED or DISABLED
	Export            string            // ENABLED or DISABLED
	Renewal           Renewal
}

// Renewal is the last or coming renewal of a certificate; Status is empty where there was none.
type Renewal struct {
	Status string
	Reason string // of one that failed
	At     time.Time
}

// Status is a certificate's status at a time.
func (c *Certificate) Status(now time.Time) string {
	switch {
	case c.FailureReason != "":
		return Failed
	case c.Body == "":
		return PendingValidation
	case now.After(c.NotAfter):
		return Expired
	}
	return Issued
}

// Server is a server certificate of IAM. It can be renamed: ID is what stays.
type Server struct {
	ID         string // ASCA…
	Account    string
	Name, Path string
	ARN        string
	Uploaded   time.Time
	Tags       map[string]string

	Material
	KeyAlgorithm string
	NotAfter     time.Time
}

// Configuration is an account's configuration of ACM.
type Configuration struct {
	Account, Region  string
	DaysBeforeExpiry int32
}

// Tables are the tables of this package.
type Tables struct {
	Certificates   *state.Table[Certificate]   // key: ARN
	Servers        *state.Table[Server]        // key: ID
	Configurations *state.Table[Configuration] // key: account/region
}

// Indexes of the tables.
const (
	byScope   = "scope"   // certificates by account/region
	byAccount = "account" // servers by account
	byFolded  = "folded"  // servers by account/name in lower case: names differ in more than case
	byARN     = "arn"     // servers by ARN, which is not their key: it changes
)

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Certificates: state.AddTable(s, "cert.certificate", func(c *Certificate) string { return c.ARN },
			state.Index(byScope, func(c *Certificate) []string { return []string{Key(c.Account, c.Region)} })),
		Servers: state.AddTable(s, "cert.server", func(c *Server) string { return c.ID },
			state.Index(byAccount, func(c *Server) []string { return []string{c.Account} }),
			state.Index(byFolded, func(c *Server) []string { return []string{folded(c.Account, c.Name)} }),
			state.Index(byARN, func(c *Server) []string { return []string{c.ARN} })),
		Configurations: state.AddTable(s, "cert.configuration", func(c *Configuration) string { return Key(c.Account, c.Region) }),
	}
}

// Key joins account and Region, or account and name.
func Key(account, name string) string { return account + "/" + name }

func folded(account, name string) string { return strings.ToLower(Key(account, name)) }
