package object

import (
	"crypto/rand"
	"time"

	"github.com/neargate/neargate/internal/aws/checksum"
)

// NullVersion is the id of versions from times without versioning.
const NullVersion = "null"

// Version is an object, or one of its versions. A Marker is a version that says the object was deleted.
type Version struct {
	Key      string
	ID       string
	Current  bool
	Marker   bool
	Size     int64
	ETag     string // without quotes
	Modified time.Time
	Attributes
	content []blob
	seq     int64
}

// Attributes are what is kept with an object's content.
type Attributes struct {
	ContentType        string            `json:",omitzero"`
	CacheControl       string            `json:",omitzero"`
	ContentDisposition string            `json:",omitzero"`
	ContentEncoding    string            `json:",omitzero"`
	ContentLanguage    string            `json:",omitzero"`
	Expires            string            `json:",omitzero"`
	Redirect           string            `json:",omitzero"` // website redirect location
	Metadata           map[string]string `json:",omitzero"`
	Tags               map[string]string `json:",omitzero"`
	StorageClass       string            `json:",omitzero"` // empty: STANDARD
	Grants             []Grant           `json:",omitzero"`
	Owner              string            `json:",omitzero"` // account that wrote it
	Checksum           Checksum          `json:",omitzero"`
	Parts              []Part            `json:",omitzero"` // of a multipart upload
}

// Types of checksums.
const (
	FullObject = "FULL_OBJECT"
	Composite  = "COMPOSITE"
)

// Checksum is the checksum of a content.
type Checksum struct {
	Algorithm checksum.Algorithm
	Sum       []byte
	Type      string
}

// blob is a file of content.
type blob struct {
	ID   string
	Size int64
}

// newVersionID is a random id of the length of AWS's.
func newVersionID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return string(b[:])
}
