package network

// Scope is the account and region that a row belongs to. Nothing in one scope sees anything of another.
type Scope struct{ Account, Region string }

func (s Scope) key() string { return s.Account + "/" + s.Region }
