package policy

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// managedPrefix starts the ARNs of the policies that AWS itself maintains.
const managedPrefix = "arn:aws:iam::aws:policy"

//go:embed managed.json.gz
var managedData []byte

type managedEntry struct {
	Path     string          `json:"path"`
	Version  string          `json:"version"`
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
	Document json.RawMessage `json:"document"`
}

// managed reads the AWS managed policies on first use: most runs never need them.
var managed = sync.OnceValue(func() map[string]managedEntry {
	entries := map[string]managedEntry{}
	r, err := gzip.NewReader(bytes.NewReader(managedData))
	if err == nil {
		err = json.NewDecoder(r).Decode(&entries)
	}
	if err != nil {
		panic(fmt.Sprintf("policy: embedded managed policies: %v", err))
	}
	byARN := make(map[string]managedEntry, len(entries))
	for name, e := range entries {
		byARN[managedPrefix+e.Path+name] = e
	}
	return byARN
})

// AWSManaged returns an AWS managed policy by ARN, in the form of a customer's.
func AWSManaged(arn string) (*Managed, bool) {
	if !strings.HasPrefix(arn, managedPrefix+"/") {
		return nil, false
	}
	e, ok := managed()[arn]
	if !ok {
		return nil, false
	}
	return e.policy(arn), true
}

// AllAWSManaged are the AWS managed policies, in no order.
func AllAWSManaged() []*Managed {
	out := make([]*Managed, 0, len(managed()))
	for arn, e := range managed() {
		out = append(out, e.policy(arn))
	}
	return out
}

func (e managedEntry) policy(arn string) *Managed {
	return &Managed{
		Name: arn[strings.LastIndexByte(arn, '/')+1:], Path: e.Path, ARN: arn, Account: "aws",
		ID:       stableID("ANPA", arn),
		Versions: []Document{{Version: e.Version, Text: string(e.Document), Created: e.Updated}},
		Default:  e.Version, Created: e.Created, Updated: e.Updated,
	}
}
