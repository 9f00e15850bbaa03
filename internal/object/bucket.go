package object

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// States of versioning.
const (
	VersioningEnabled   = "Enabled"
	VersioningSuspended = "Suspended"
)

// Bucket is a bucket and its settings. Its name is unique among all accounts and Regions.
type Bucket struct {
	Name, Account, Region string
	ID                    int64 // names its objects: a bucket made again has none
	Created               time.Time

	Versioning   string // "" until it is enabled for the first time
	Tags         map[string]string
	Policy       string // JSON as it was given
	PublicAccess *PublicAccess
	Ownership    string // object ownership
	Grants       []Grant
	Encryption   *Encryption
	Lifecycle    []Rule
	// MinimumSize is the lifecycle's TransitionDefaultMinimumObjectSize.
	MinimumSize string
}

// PublicAccess are the settings of S3 Block Public Access.
type PublicAccess struct{ BlockACLs, IgnoreACLs, BlockPolicy, RestrictBuckets bool }

// Encryption is the default encryption of a bucket's objects.
type Encryption struct {
	Algorithm string
	BucketKey bool
	// Blocked are kinds of encryption that uploads must not ask for.
	Blocked []string
}

// Object ownership ("Controlling ownership of objects").
const (
	OwnerEnforced  = "BucketOwnerEnforced"
	OwnerPreferred = "BucketOwnerPreferred"
	ObjectWriter   = "ObjectWriter"
)

// Grant is one entry of an access control list.
type Grant struct {
	Grantee    string // canonical user id, or URI of a group
	Group      bool
	Permission string
}

// Tables are the tables of this package.
type Tables struct {
	Buckets *state.Table[Bucket] // key: name
}

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{Buckets: state.AddTable(s, "object.bucket", func(b *Bucket) string { return b.Name })}
}

// ARN is the bucket's ARN.
func (b *Bucket) ARN() string { return "arn:aws:s3:::" + b.Name }

// NewBucketID is a fresh Bucket.ID.
func NewBucketID() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}
