package page

import (
	"encoding/base64"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// ErrToken is the class of the error for a token that is not ours. The gateway answers it with the code which the
// service at hand uses for it.
var ErrToken = &awserr.Class{Code: "InvalidNextToken", Status: 400}

// version is what tells our tokens from anything else a client may send.
const version = "1:"

// Of returns the page of items that follows token, and the token of the next page if there is one.
//
// Items are in ascending order of key, or in any other order as long as the item a token names still exists. A limit of
// 0 means def; limits above max are cut to it; def or max 0 means no bound.
func Of[T any](items []T, key func(T) string, token *string, limit, def, max int) ([]T, *string, error) {
	if token != nil && *token != "" {
		after, err := decode(*token)
		if err != nil {
			return nil, nil, err
		}
		items = items[start(items, key, after):]
	}
	if limit <= 0 {
		limit = def
	}
	if max > 0 && (limit > max || limit <= 0) {
		limit = max
	}
	if limit <= 0 || len(items) <= limit {
		return items, nil, nil
	}
	items = items[:limit:limit]
	return items, new(encode(key(items[limit-1]))), nil
}

// start is the index of the first item after the one named by after. Where that one is gone, order decides.
func start[T any](items []T, key func(T) string, after string) int {
	greater := len(items)
	for i, item := range items {
		switch k := key(item); {
		case k == after:
			return i + 1
		case k > after && i < greater:
			greater = i
		}
	}
	return greater
}

func encode(key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(version + key))
}

func decode(token string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || !strings.HasPrefix(string(raw), version) {
		return "", ErrToken.New("The specified token is not valid.")
	}
	return string(raw[len(version):]), nil
}
