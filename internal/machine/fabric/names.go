package fabric

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
)

// Names of what a platform makes on a machine. All carry the instance, so that platforms do not touch each other and what a
// crashed one left can be found.

const (
	uplinkName = "uplink" // the VPC's end of the pair that leads to the host
	insideName = "eth0"   // the ENI's end of the pair that leads to its VPC
)

// Instance derives a platform's eight hexadecimal digits from its data directory.
func Instance(dataDir string) (string, error) {
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("data directory %s: %w", dataDir, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return digest(abs, 8), nil
}

func validInstance(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 4 && strings.ToLower(s) == s
}

func namespacePrefix(instance string) string { return "ng-" + instance + "-" }

func tableName(instance string) string { return "neargate-" + instance }

// linkPrefix begins the names of all of a platform's links on the host.
func linkPrefix(instance string) string { return "ng" + instance }

// poolLabel marks the host's address in the public pool.
func poolLabel(instance string) string { return "lo:ng" + instance }

// hostLinkName is the host's end of a VPC's uplink; salt > 0 after a collision of the five digits that fit.
func hostLinkName(instance, vpc string, salt int) string {
	if salt > 0 {
		vpc = fmt.Sprintf("%s#%d", vpc, salt)
	}
	return linkPrefix(instance) + digest(vpc, 5)
}

// interfaceLinkName is the VPC's end of an ENI's pair. Of an id that ends in enough hexadecimal digits, as EC2's do, it is a
// recognisable part.
func interfaceLinkName(id string) string {
	const digits = 14
	if len(id) > digits && isHex(id[len(id)-digits:]) {
		return "e" + id[len(id)-digits:]
	}
	return "e" + digest(id, digits)
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func digest(s string, n int) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:n]
}
