// Package elbv2 is the Elastic Load Balancing API (version 2015-12-01) over the balance engine: it checks what clients send with AWS's
// codes and texts, turns it into the engine's nouns and shows those as AWS does. Application Load Balancers with HTTP listeners
// exist; what asks for something else is refused by name.
package elbv2
