// Package wildcard matches text with the patterns of AWS: trust policies, EC2's filters, tags of images, values in filter
// patterns of logs. They differ in which characters mean something, so each has its function. The data plane compiles its
// own (edge/rules), since it matches for every request.
package wildcard
