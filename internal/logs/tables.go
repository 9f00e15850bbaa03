package logs

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/neargate/neargate/internal/state"
)

// Group is a log group. Times are Unix milliseconds, as everywhere in CloudWatch Logs.
type Group struct {
	Account, Region, Name string
	ID                    int64 // names its events: a group made again has none
	Created               int64
	Retention             int32 // days, 0 keeps events for good
	Class                 string
	Protected             bool
	Tags                  map[string]string
}

// Stream is a log stream.
type Stream struct {
	Group   int64 // Group.ID
	Name    string
	ID      int64
	Created int64
}

// Query is a saved Insights query.
type Query struct {
	Account, Region, ID string
	Name                string
	Text                string
	Language            string
	Groups              []string
	Modified            int64
}

// Tables are the tables of this package.
type Tables struct {
	Groups  *state.Table[Group]  // key: account/region/name
	Streams *state.Table[Stream] // key: group id/name
	Queries *state.Table[Query]  // key: account/region/id
}

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Groups:  state.AddTable(s, "logs.group", func(g *Group) string { return Key(g.Account, g.Region, g.Name) }),
		Streams: state.AddTable(s, "logs.stream", func(t *Stream) string { return StreamKey(t.Group, t.Name) }),
		Queries: state.AddTable(s, "logs.query", func(q *Query) string { return Key(q.Account, q.Region, q.ID) }),
	}
}

// Key is the key of what belongs to an account and Region.
func Key(account, region, name string) string { return account + "/" + region + "/" + name }

// StreamKey is a stream's key; with an empty name, the prefix of all of the group's.
func StreamKey(group int64, name string) string { return strconv.FormatInt(group, 16) + "/" + name }

// ARN is the group's ARN without the trailing :*.
func (g *Group) ARN() string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", g.Region, g.Account, g.Name)
}

// newID is a random positive number.
func newID() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}
