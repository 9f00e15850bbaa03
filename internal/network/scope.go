package network

// Scope is the account and region that a row belongs to. Nothing in one scope sees anything of another.
type Scope struct{ Account, Region string }

// Key is what the indexes named "scope" list rows under.
func (s Scope) Key() string { return s.Account + "/" + s.Region }
