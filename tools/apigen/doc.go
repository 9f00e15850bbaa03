// Command apigen turns API models into the generated packages under internal/api.
//
//	go run ./tools/apigen                      models/*.json → internal/api/*
//	go run ./tools/apigen -trim DIR            botocore's data folder DIR → models/*.json, then as above
//	go run ./tools/apigen -trim auto           the same, asking python3 where botocore is
//
// Trimming keeps the operations that models/trim.txt lists, the shapes they reach with their traits and constraints, their
// paginators, and the names of all the API's operations. It drops everything written for people, and endpoint rules.
package main
