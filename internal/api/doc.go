// Package api holds one generated package per AWS API: the types of its operations, its errors and enums, and one typed
// value per operation for fronts to bind. Nothing here is written by hand; tools/apigen makes it from models/.
package api

//go:generate go run ../../tools/apigen -models ../../models -out .
