// Package cert holds the certificates of load balancers: those of AWS Certificate Manager, requested or imported, and IAM's server
// certificates. Requested ones are issued and renewed by Loop from the data directory's own authority, a root that users may trust
// (`neargate ca`). services/acm and services/iam edit the rows, balance asks Usable, publish asks KeyPair.
//
//	RequestCertificate ─▶ PENDING_VALIDATION ─ Loop, a moment later ─▶ ISSUED ─ 45 days before its end, while in use ─▶ ISSUED, another key
//	ImportCertificate  ──────────────────────────────────────────────▶ ISSUED ─▶ EXPIRED
package cert
