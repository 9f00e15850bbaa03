package policy

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// Entity is what roles and users have in common: they carry policies.
type Entity struct {
	Account  string
	Name     string
	Path     string
	ID       string // AROA…, AIDA…: never used again after a delete
	ARN      string
	Created  time.Time
	Tags     map[string]string
	Inline   map[string]string // policy name → document
	Attached []string          // ARNs of managed policies, in the order of attachment
	Boundary string            // ARN of the permissions boundary, empty for none
}

// Role is an IAM role.
type Role struct {
	Entity
	Trust         string // AssumeRolePolicyDocument
	Description   string
	MaxSession    int32  // seconds
	LinkedService string // set on service-linked roles: "ecs.amazonaws.com"
}

// User is an IAM user.
type User struct{ Entity }

// AccessKey is a pair of keys that Neargate issued: a user's long-lived ones,
// or those of a session of a role or user.
type AccessKey struct {
	ID        string
	Secret    string
	Account   string
	UserName  string // a user's key; empty for a role's session and for the account owner's
	Principal string // ARN of whoever signs with it
	UserID    string // as GetCallerIdentity shows it
	Active    bool
	Created   time.Time
	Token     string    // a session's token, empty for long-lived keys
	Expires   time.Time // a session's end, zero for long-lived keys
}

// Document is one version of a managed policy.
type Document struct {
	Version string // v1, v2, …
	Text    string
	Created time.Time
}

// Managed is a customer managed policy.
type Managed struct {
	Account     string
	Name        string
	Path        string
	ID          string // ANPA…
	ARN         string
	Description string
	Tags        map[string]string
	Versions    []Document // oldest first
	Default     string
	Issued      int // number of the newest version ever made
	Created     time.Time
	Updated     time.Time
}

// Tables are the tables of this package.
type Tables struct {
	Roles    *state.Table[Role]      // key: account/name
	Users    *state.Table[User]      // key: account/name
	Keys     *state.Table[AccessKey] // key: access key id
	Policies *state.Table[Managed]   // key: ARN
}

// Indexes of the tables.
const (
	byPolicy  = "policy"  // roles and users by the ARN of an attached policy or boundary
	byUser    = "user"    // keys by account/user
	byAccount = "account" // policies by account
	byFolded  = "folded"  // everything by account/name in lower case: names differ in more than case
)

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Roles: state.AddTable(s, "policy.role", func(r *Role) string { return r.Key() },
			state.Index(byPolicy, func(r *Role) []string { return r.Attached }),
			state.Index(byFolded, func(r *Role) []string { return []string{strings.ToLower(r.Key())} })),
		Users: state.AddTable(s, "policy.user", func(u *User) string { return u.Key() },
			state.Index(byPolicy, func(u *User) []string { return u.Attached }),
			state.Index(byFolded, func(u *User) []string { return []string{strings.ToLower(u.Key())} })),
		Keys: state.AddTable(s, "policy.key", func(k *AccessKey) string { return k.ID },
			state.Index(byUser, func(k *AccessKey) []string { return []string{Key(k.Account, k.UserName)} })),
		Policies: state.AddTable(s, "policy.managed", func(p *Managed) string { return p.ARN },
			state.Index(byAccount, func(p *Managed) []string { return []string{p.Account} }),
			state.Index(byFolded, func(p *Managed) []string { return []string{strings.ToLower(Key(p.Account, p.Name))} })),
	}
}

// Key is the key of a role or user.
func Key(account, name string) string { return account + "/" + name }

// Key is the entity's key in its table.
func (e *Entity) Key() string { return Key(e.Account, e.Name) }

// RolesWith are the roles that a managed policy is attached to.
func (t *Tables) RolesWith(tx *state.Tx, arn string) []*Role {
	return collect(t.Roles.By(tx, byPolicy, arn))
}

// UsersWith are the users that a managed policy is attached to.
func (t *Tables) UsersWith(tx *state.Tx, arn string) []*User {
	return collect(t.Users.By(tx, byPolicy, arn))
}

// KeysOf are a user's access keys.
func (t *Tables) KeysOf(tx *state.Tx, account, user string) []*AccessKey {
	return collect(t.Keys.By(tx, byUser, Key(account, user)))
}

// PoliciesOf are an account's own managed policies.
func (t *Tables) PoliciesOf(tx *state.Tx, account string) []*Managed {
	return collect(t.Policies.By(tx, byAccount, account))
}

// Attachments is how many roles and users carry a managed policy.
func (t *Tables) Attachments(tx *state.Tx, account, arn string) int {
	n := 0
	for _, r := range t.RolesWith(tx, arn) {
		if r.Account == account {
			n++
		}
	}
	for _, u := range t.UsersWith(tx, arn) {
		if u.Account == account {
			n++
		}
	}
	return n
}

func collect[T any](rows func(func(*T) bool)) []*T {
	var out []*T
	for r := range rows {
		out = append(out, r)
	}
	return out
}

// Policy is a managed policy by ARN: the account's own or one of AWS's.
func (t *Tables) Policy(tx *state.Tx, account, arn string) (*Managed, bool) {
	if p, ok := AWSManaged(arn); ok {
		return p, true
	}
	p, ok := t.Policies.Get(tx, arn)
	if !ok || p.Account != account {
		return nil, false
	}
	return p, true
}

// RoleNamed says whether the account has a role of this name in any case.
func (t *Tables) RoleNamed(tx *state.Tx, account, name string) bool {
	return some(t.Roles.By(tx, byFolded, strings.ToLower(Key(account, name))))
}

// UserNamed says whether the account has a user of this name in any case.
func (t *Tables) UserNamed(tx *state.Tx, account, name string) bool {
	return some(t.Users.By(tx, byFolded, strings.ToLower(Key(account, name))))
}

// PolicyNamed says whether the account has a managed policy of this name in any case and path.
func (t *Tables) PolicyNamed(tx *state.Tx, account, name string) bool {
	return some(t.Policies.By(tx, byFolded, strings.ToLower(Key(account, name))))
}

func some[T any](rows func(func(*T) bool)) bool {
	for range rows {
		return true
	}
	return false
}
