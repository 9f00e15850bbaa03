package network

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// NewID makes an identifier of EC2's long form: the prefix and seventeen hexadecimal digits, the first of them 0.
func NewID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: see its documentation
	return prefix + "-0" + hex.EncodeToString(b[:])
}

// isID says whether s has the form of an identifier with the prefix: eight or seventeen hexadecimal digits.
func isID(prefix, s string) bool {
	digits, ok := strings.CutPrefix(s, prefix+"-")
	if !ok || len(digits) != 8 && len(digits) != 17 {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// newMAC makes a locally administered unicast address; like EC2's it starts with 02, 06, 0a or 0e.
func newMAC() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	b[0] = b[0]&0x0c | 0x02
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}
