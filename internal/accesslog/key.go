package accesslog

import (
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// noNode stands for the node where a file is of none.
var noNode = netip.IPv4Unspecified()

// directory is where the logs of an account lie in a bucket.
func directory(f edgeapi.LogFile, prefix string) string {
	dir := "AWSLogs/" + f.Account
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		dir = prefix + "/" + dir
	}
	return dir
}

// testFile is the name of the object that is written when a log is enabled.
func testFile(kind string) string {
	if kind == edgeapi.LogConnection {
		return "ELBConnectionLogTestFile"
	}
	return "ELBAccessLogTestFile"
}

// key is the name of a log file's object ("Access log files", "Connection log files"). Its random part follows from the file's
// name: the same file always becomes the same object.
func key(f edgeapi.LogFile, prefix string, address netip.Addr) string {
	end := f.End.UTC()
	parts := []string{f.Account, "elasticloadbalancing", f.Region, strings.ReplaceAll(f.LoadBalancer, "/", "."), end.Format("20060102T1504Z")}
	if strings.HasPrefix(f.LoadBalancer, "app/") {
		parts = append(parts, address.String())
	}
	sum := sha256.Sum256([]byte(f.Name()))
	parts = append(parts, strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5])))
	name := strings.Join(parts, "_") + ".log.gz"
	if f.Kind == edgeapi.LogConnection {
		name = "conn_log." + name
	}
	return directory(f, prefix) + "/elasticloadbalancing/" + f.Region + "/" + end.Format("2006/01/02") + "/" + name
}
