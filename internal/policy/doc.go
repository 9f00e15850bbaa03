// Package policy holds identities (roles, users, access keys, sessions) and the
// policies attached to them. It is data and decisions only: services/iam edits
// it, services/sts issues sessions from it, the gateway looks access keys up in
// it to verify signatures.
package policy
