package proxy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
)

// bond is what a stickiness cookie remembers: who was chosen when there was a choice. Scopes and choices are digests of
// names; see digest.
type bond struct {
	scope, choice uint64
	at            uint32 // Unix time
}

// maxBonds is how many choices one cookie remembers: a client may be bound to a target in each of several groups.
const maxBonds = 16

// jar is the content of one cookie.
type jar struct {
	bonds [maxBonds]bond
	n     int
}

// find returns what was chosen in scope, unless that is longer ago than lifetime, in seconds.
func (j *jar) find(scope uint64, now int64, lifetime uint32) (choice uint64, ok bool) {
	for _, b := range j.bonds[:j.n] {
		if b.scope == scope {
			return b.choice, now-int64(b.at) <= int64(lifetime)
		}
	}
	return 0, false
}

// others reports whether the jar remembers a choice in any scope but this one.
func (j *jar) others(scope uint64) bool {
	return j.n > 1 || j.n == 1 && j.bonds[0].scope != scope
}

// put remembers a choice in place of what was known of its scope, or of the oldest one if there are too many.
func (j *jar) put(b bond) {
	at := j.n
	for i := range j.bonds[:j.n] {
		if j.bonds[i].scope == b.scope {
			at = i
			break
		}
		if j.n == maxBonds && (at == maxBonds || j.bonds[i].at < j.bonds[at].at) {
			at = i
		}
	}
	j.bonds[at] = b
	j.n = max(j.n, at+1)
}

// digest shortens names to what a cookie can hold.
func digest(names ...string) uint64 {
	h := sha256.New()
	for _, s := range names {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// sealer encrypts and authenticates cookies with AES-GCM. The nonce is a keyed digest of the content: a key serves for as
// long as the data directory lives, and random nonces would run out of safety after 2³² cookies.
type sealer struct {
	key    [sha256.Size]byte // of the nonces
	aead   cipher.AEAD
	spares sync.Pool // *sealing
}

// sealing is the space one operation needs; cipher.AEAD is an interface, so it could not stay on the stack.
type sealing struct {
	plain, sealed []byte
	mac           hash.Hash
}

const (
	nonceSize  = 12
	bondSize   = 8 + 8 + 4
	plainSize  = 68 // at least, which makes values as long as those of AWS: 128 characters
	maxCookie  = 1024
	cookieForm = 1 // first octet of the plain text
)

// newSealer makes a sealer from 32 octets. Without any, cookies are good until the process ends.
func newSealer(secret []byte) *sealer {
	if len(secret) == 0 {
		secret = make([]byte, 32)
		rand.Read(secret)
	}
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(label))
		return h.Sum(nil)
	}
	s := &sealer{}
	copy(s.key[:], derive("stickiness cookies: nonces"))
	block, _ := aes.NewCipher(derive("stickiness cookies: content")) // fails only for other lengths
	s.aead, _ = cipher.NewGCM(block)
	s.spares.New = func() any {
		return &sealing{make([]byte, 0, maxCookie), make([]byte, 0, maxCookie), hmac.New(sha256.New, s.key[:])}
	}
	return s
}

// seal returns the value of a cookie of the given kind.
func (s *sealer) seal(k *cookieKind, j *jar) string {
	w := s.spares.Get().(*sealing)
	defer s.spares.Put(w)
	p := append(w.plain[:0], cookieForm, byte(j.n))
	for _, b := range j.bonds[:j.n] {
		p = binary.BigEndian.AppendUint64(p, b.scope)
		p = binary.BigEndian.AppendUint64(p, b.choice)
		p = binary.BigEndian.AppendUint32(p, b.at)
	}
	for len(p) < plainSize || len(p)%3 != plainSize%3 { // no padding characters in base64
		p = append(p, 0)
	}
	w.mac.Reset()
	w.mac.Write(k.label)
	w.mac.Write(p)
	nonce := w.mac.Sum(w.sealed[:0])[:nonceSize]
	sealed := s.aead.Seal(nonce, nonce, p, k.label)
	return base64.StdEncoding.EncodeToString(sealed)
}

// open reads the value of a cookie that was sealed as one of kind k. It reports false, and nothing else, for any other.
func (s *sealer) open(k *cookieKind, value []byte, j *jar) bool {
	if len(value) > maxCookie {
		return false
	}
	w := s.spares.Get().(*sealing)
	defer s.spares.Put(w)
	sealed, err := base64.StdEncoding.AppendDecode(w.sealed[:0], value)
	if err != nil || len(sealed) < nonceSize {
		return false
	}
	p, err := s.aead.Open(w.plain[:0], sealed[:nonceSize], sealed[nonceSize:], k.label)
	if err != nil || len(p) < plainSize || p[0] != cookieForm || int(p[1]) > maxBonds || len(p) < 2+int(p[1])*bondSize {
		return false
	}
	j.n = int(p[1])
	p = p[2:]
	for i := range j.n {
		b := p[i*bondSize:]
		j.bonds[i] = bond{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])}
	}
	return true
}
