package policy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
)

// Lengths of ids, without their prefix: IAM identifiers, "Unique identifiers".
const (
	idLength  = 17
	keyLength = 16
)

// NewID makes a unique id: prefix AROA for roles, AIDA for users, ANPA for policies.
func NewID(prefix string) string { return prefix + random(idLength) }

// NewKeyID makes an access key id: prefix AKIA for a user's, ASIA for a session's.
func NewKeyID(prefix string) string { return prefix + random(keyLength) }

// NewSecret makes a secret access key of 40 characters.
func NewSecret() string { return secret(30) }

// NewToken makes a session token.
func NewToken() string { return secret(120) }

func secret(size int) string {
	b := make([]byte, size)
	rand.Read(b) // never fails: crypto/rand
	return base64.StdEncoding.EncodeToString(b)
}

func random(length int) string {
	b := make([]byte, length)
	rand.Read(b)
	return base32.StdEncoding.EncodeToString(b)[:length]
}

// stableID is an id that depends on name alone.
func stableID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:idLength]
}
