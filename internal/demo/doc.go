// Package demo builds the picture of a production service through the public
// AWS APIs alone, sends it traffic and rolls it over under load. It is a
// client: nothing in it knows how the platform works.
package demo
