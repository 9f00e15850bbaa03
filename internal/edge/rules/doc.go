// Package rules decides what a listener does with a request: the first rule, in order of priority, all of whose conditions
// hold. Rules are compiled once per snapshot and then only read.
//
// The semantics are those of "Listeners for your Application Load Balancers: Rule condition types": host names, header
// values and query strings are compared in any case, paths and methods exactly; "*" stands for any octets and "?" for one.
package rules
