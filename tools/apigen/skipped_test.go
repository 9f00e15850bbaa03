package main

const (
	fillsToken  = "expects the token that the client made up, which the parameters do not have"
	emptyObject = "a client sends {} for an absent payload; a server sees a present, empty structure, which means the same"
	jsonText    = "members with the jsonvalue trait are kept as JSON text, which the vector has as objects"
	clientOnly  = "about what a client tolerates in a response; no server sends it"
)

// skippedRequests are request vectors that do not hold for a server, and why.
var skippedRequests = map[string]string{
	"input-ec2/Idempotency token auto fill/1":           fillsToken,
	"input-json/Idempotency token auto fill/1":          fillsToken,
	"input-query/Idempotency token auto fill/1":         fillsToken,
	"input-rest-json/Idempotency token auto fill/1":     fillsToken,
	"input-rest-xml/Idempotency token auto fill/1":      fillsToken,
	"input-rest-json/Structure payload/1":               emptyObject,
	"input-rest-json/rest-json Content-Type and body/2": emptyObject,
	"input-rest-json/rest-json Content-Type and body/4": emptyObject,
	"input-rest-json/JSON value trait/0":                jsonText,
	"input-rest-json/JSON value trait/1":                jsonText,
	"input-rest-json/JSON value trait/2":                jsonText,
	"input-rest-xml/Header whitespace/0":                "about white space that a client removes",
}

// skippedResponses are response vectors that do not hold for a server, and why.
var skippedResponses = map[string]string{
	"output-json/Lists/1":                               "values in lists are never null here: absent items are left out",
	"output-json/Ignores extra data/0":                  clientOnly,
	"output-json/unmodeled non-json response payload/0": clientOnly,
	"output-json/unmodeled non-json response payload/1": clientOnly,
	"output-rest-json/Ignores extra data/0":             clientOnly,
	"output-rest-json/Scalar members/0":                 "has a timestamp as text, which clients accept; the protocol's format is epoch seconds",
	"output-rest-json/JSON value trait/0":               jsonText,
	"output-rest-json/JSON value trait/1":               jsonText,
	"output-query/Flattened list of structures/0":       "has a result wrapper that its model does not name; all of AWS's models do",
}
