// Package process names processes that outlive the one that started them: shims and edge are found again by what was written
// down about them, and their number alone may by then be another process's.
package process
