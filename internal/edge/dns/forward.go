package dns

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	upstreamTimeout = 2 * time.Second // per resolver asked
	maxForwarding   = 256             // queries with the host's resolvers at a time; more are answered SERVFAIL
	recheck         = 5 * time.Second // how often the resolver file is looked at
)

// forwarder asks the resolvers of the host, from the host's namespace.
type forwarder struct {
	file  string
	slots chan struct{}
	cache cache

	mu       sync.Mutex
	servers  []string // address:port
	checked  time.Time
	modified time.Time
}

func newForwarder(file string) *forwarder {
	return &forwarder{file: file, slots: make(chan struct{}, maxForwarding), cache: newCache()}
}

// ask answers q from the cache or through a resolver; SERVFAIL when there is none or none answers.
func (f *forwarder) ask(ctx context.Context, q *dns.Msg) *dns.Msg {
	now := time.Now()
	key := keyOf(q)
	if m := f.cache.get(key, now); m != nil {
		return reply(m, q)
	}
	failed := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	failed.RecursionAvailable = true
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return failed
	}
	for _, server := range f.resolvers(now) {
		m, err := exchange(ctx, q, server)
		if err != nil || m.Rcode == dns.RcodeServerFailure || m.Rcode == dns.RcodeRefused {
			continue
		}
		f.cache.put(key, m, now)
		return reply(m, q)
	}
	return failed
}

// exchange asks one resolver, again over TCP if the answer did not fit.
func exchange(ctx context.Context, q *dns.Msg, server string) (*dns.Msg, error) {
	out := q.Copy()
	out.Id = dns.Id()
	c := dns.Client{Timeout: upstreamTimeout, UDPSize: 1232}
	m, _, err := c.ExchangeContext(ctx, out, server)
	if err == nil && m.Truncated {
		c.Net = "tcp"
		m, _, err = c.ExchangeContext(ctx, out, server)
	}
	return m, err
}

// reply makes a resolver's answer the answer to q, in q's spelling.
func reply(m, q *dns.Msg) *dns.Msg {
	m.Id, m.Question = q.Id, q.Question
	m.Authoritative, m.RecursionAvailable = false, true
	if q.IsEdns0() == nil {
		m.Extra = slices.DeleteFunc(m.Extra, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeOPT })
	}
	return m
}

// resolvers reads the host's resolver file when it has changed.
func (f *forwarder) resolvers(now time.Time) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.checked) < recheck {
		return f.servers
	}
	f.checked = now
	st, err := os.Stat(f.file)
	if err != nil {
		f.servers = nil
		return nil
	}
	if st.ModTime().Equal(f.modified) {
		return f.servers
	}
	f.modified = st.ModTime()
	f.servers = nil
	if config, err := dns.ClientConfigFromFile(f.file); err == nil {
		for _, s := range config.Servers {
			f.servers = append(f.servers, net.JoinHostPort(s, config.Port))
		}
	}
	return f.servers
}
