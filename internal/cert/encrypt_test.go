package cert

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEncryptedKey: openssl reads the key with the passphrase, and not with another.
func TestEncryptedKey(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	key := elliptical(t, open(t, t.TempDir()).key.Curve)
	plain, err := keyPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&Material{Key: plain}).EncryptedKey([]byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(openssl, "pkcs8", "-in", file, "-passin", "pass:correct horse").Output()
	if err != nil || strings.TrimSpace(string(out)) != strings.TrimSpace(plain) {
		t.Errorf("%v: %s", err, out)
	}
	if err := exec.Command(openssl, "pkcs8", "-in", file, "-passin", "pass:wrong").Run(); err == nil {
		t.Error("opened with another passphrase")
	}
	if _, err := parseKey([]byte(text)); err == nil || err.(*FaultError).Fault != EncryptedKey {
		t.Errorf("imported: %v", err)
	}
}
