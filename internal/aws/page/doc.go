// Package page cuts lists into pages. Tokens are opaque to clients and name the last item of the page before, so that a
// list which changes between two requests neither repeats nor loses what stayed.
package page
