package cert

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
)

// Parameters of the encryption of exported keys.
const (
	keyIterations = 100_000
	keySize       = 32 // AES-256
	saltSize      = 16
)

var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encryptedKey is an EncryptedPrivateKeyInfo (RFC 5958), its parts those of PBES2 (RFC 8018).
type encryptedKey struct {
	Algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters struct {
			Derivation struct {
				OID        asn1.ObjectIdentifier
				Parameters struct {
					Salt       []byte
					Iterations int
					Function   pkix.AlgorithmIdentifier
				}
			}
			Encryption struct {
				OID    asn1.ObjectIdentifier
				Vector []byte
			}
		}
	}
	Content []byte
}

// EncryptedKey is the PEM of the key under a passphrase, as `openssl pkcs8` reads it.
func (m *Material) EncryptedKey(passphrase []byte) (string, error) {
	b, _ := pem.Decode([]byte(m.Key))
	salt, vector := make([]byte, saltSize), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails: crypto/rand
	rand.Read(vector)
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, keyIterations, keySize)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	padding := aes.BlockSize - len(b.Bytes)%aes.BlockSize
	content := append(bytes.Clone(b.Bytes), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(content, content)

	e := encryptedKey{Content: content}
	e.Algorithm.OID = oidPBES2
	p := &e.Algorithm.Parameters
	p.Derivation.OID = oidPBKDF2
	p.Derivation.Parameters.Salt, p.Derivation.Parameters.Iterations = salt, keyIterations
	p.Derivation.Parameters.Function = pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}
	p.Encryption.OID, p.Encryption.Vector = oidAES256CBC, vector
	der, err := asn1.Marshal(e)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})), nil
}
