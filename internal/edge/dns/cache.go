package dns

import (
	"container/list"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	maxCached   = 4096
	maxCacheTTL = 5 * time.Minute
	negativeTTL = 10 * time.Second // of answers that carry no TTL
)

// cache remembers answers of resolvers, the least recently used going first.
type cache struct {
	mu      *sync.Mutex
	entries map[key]*list.Element
	order   *list.List // of *entry, the most recently used first
}

type key struct {
	name     string
	kind     uint16
	checking bool // CD bit
	secure   bool // DO bit
}

type entry struct {
	key     key
	message *dns.Msg
	stored  time.Time
	until   time.Time
}

func newCache() cache {
	return cache{mu: new(sync.Mutex), entries: map[key]*list.Element{}, order: list.New()}
}

func keyOf(q *dns.Msg) key {
	k := key{name: strings.ToLower(q.Question[0].Name), kind: q.Question[0].Qtype, checking: q.CheckingDisabled}
	if o := q.IsEdns0(); o != nil {
		k.secure = o.Do()
	}
	return k
}

// get returns a copy with what is left of its TTLs.
func (c cache) get(k key, now time.Time) *dns.Msg {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return nil
	}
	x := e.Value.(*entry)
	if !now.Before(x.until) {
		c.order.Remove(e)
		delete(c.entries, k)
		return nil
	}
	c.order.MoveToFront(e)
	m := x.message.Copy()
	age := uint32(now.Sub(x.stored) / time.Second)
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, r := range section {
			if h := r.Header(); h.Rrtype != dns.TypeOPT {
				h.Ttl -= min(age, h.Ttl)
			}
		}
	}
	return m
}

func (c cache) put(k key, m *dns.Msg, now time.Time) {
	ttl := lifetime(m)
	if ttl <= 0 || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.order.Remove(e)
	}
	c.entries[k] = c.order.PushFront(&entry{k, m.Copy(), now, now.Add(ttl)})
	for c.order.Len() > maxCached {
		e := c.order.Back()
		c.order.Remove(e)
		delete(c.entries, e.Value.(*entry).key)
	}
}

// lifetime is how long an answer may be remembered: its smallest TTL; without records, what the SOA says (RFC 2308).
func lifetime(m *dns.Msg) time.Duration {
	ttl := maxCacheTTL
	if len(m.Answer) == 0 {
		ttl = negativeTTL
		for _, r := range m.Ns {
			if s, ok := r.(*dns.SOA); ok {
				ttl = time.Duration(min(s.Minttl, s.Hdr.Ttl)) * time.Second
			}
		}
	}
	for _, r := range m.Answer {
		ttl = min(ttl, time.Duration(r.Header().Ttl)*time.Second)
	}
	return min(ttl, maxCacheTTL)
}
