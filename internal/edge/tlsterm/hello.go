package tlsterm

import (
	"errors"
	"strings"
)

// ErrMore: what there is so far is the beginning of a client's hello.
var ErrMore = errors.New("the client's hello is not complete")

var (
	errNotTLS    = errors.New("not TLS")
	errMalformed = errors.New("the client's hello is malformed")
)

// Sizes of TLS.
const (
	recordHead = 5
	maxRecord  = 1 << 14
	// MaxHello is the most octets of a hello, with the heads of its records, that ServerName looks at.
	MaxHello = 1 << 16
)

// LooksLikeTLS reports whether a connection that begins with this octet speaks TLS.
func LooksLikeTLS(first byte) bool { return first == 22 }

// ServerName is the server name, in lower case, that a client asks for in its hello, without answering it: b is what the client has sent so
// far. It is empty if the client names none. With ErrMore, more has to be read first.
func ServerName(b []byte) (string, error) {
	message, err := hello(b)
	if err != nil {
		return "", err
	}
	p := parser(message)
	if !p.skip(2 + 32) { // version, random
		return "", errMalformed
	}
	_, ok1 := p.vector(1) // session
	_, ok2 := p.vector(2) // cipher suites
	_, ok3 := p.vector(1) // compression
	if !ok1 || !ok2 || !ok3 {
		return "", errMalformed
	}
	if len(p) == 0 {
		return "", nil
	}
	extensions, ok := p.vector(2)
	if !ok || len(p) > 0 {
		return "", errMalformed
	}
	for len(extensions) > 0 {
		kind, ok := extensions.number(2)
		body, ok2 := extensions.vector(2)
		if !ok || !ok2 {
			return "", errMalformed
		}
		if kind == 0 {
			return hostName(body)
		}
	}
	return "", nil
}

// hostName is the one of type host_name in a server_name extension.
func hostName(body parser) (string, error) {
	list, ok := body.vector(2)
	if !ok || len(body) > 0 {
		return "", errMalformed
	}
	for len(list) > 0 {
		kind, ok := list.number(1)
		name, ok2 := list.vector(2)
		if !ok || !ok2 {
			return "", errMalformed
		}
		if kind == 0 {
			return strings.ToLower(string(name)), nil
		}
	}
	return "", nil
}

// hello puts the client's hello together, which may be spread over several records.
func hello(b []byte) (message []byte, err error) {
	if len(b) > 0 && !LooksLikeTLS(b[0]) {
		return nil, errNotTLS
	}
	var joined []byte // of several records
	for {
		if len(b) < recordHead {
			return nil, ErrMore
		}
		size := int(b[3])<<8 | int(b[4])
		if b[0] != 22 || b[1] != 3 || size == 0 || size > maxRecord {
			return nil, errNotTLS
		}
		part := b[recordHead:min(len(b), recordHead+size)]
		whole := len(part) == size
		if joined == nil {
			message = part
		} else {
			joined = append(joined, part...)
			message = joined
		}
		if len(message) >= 1 && message[0] != 1 {
			return nil, errNotTLS
		}
		if len(message) >= 4 {
			want := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
			if want > MaxHello {
				return nil, errMalformed
			}
			if len(message) >= 4+want {
				return message[4 : 4+want], nil
			}
		}
		if !whole {
			return nil, ErrMore
		}
		if joined == nil {
			joined = append(joined, part...)
		}
		b = b[recordHead+size:]
	}
}

// parser is what is left of a message.
type parser []byte

func (p *parser) skip(n int) bool {
	if len(*p) < n {
		return false
	}
	*p = (*p)[n:]
	return true
}

// number reads one of a few octets.
func (p *parser) number(octets int) (n int, ok bool) {
	if len(*p) < octets {
		return 0, false
	}
	for _, o := range (*p)[:octets] {
		n = n<<8 | int(o)
	}
	*p = (*p)[octets:]
	return n, true
}

// vector reads what is preceded by its length.
func (p *parser) vector(octets int) (parser, bool) {
	n, ok := p.number(octets)
	if !ok || len(*p) < n {
		return nil, false
	}
	v := (*p)[:n:n]
	*p = (*p)[n:]
	return v, true
}
