package dns

import (
	"context"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// answer makes the reply to a query.
func (z *zone) answer(ctx context.Context, q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if q.Opcode != dns.OpcodeQuery {
		return m.SetRcode(q, dns.RcodeNotImplemented)
	}
	if len(q.Question) != 1 {
		return m.SetRcode(q, dns.RcodeFormatError)
	}
	question := q.Question[0]
	if question.Qclass != dns.ClassINET || question.Qtype == dns.TypeAXFR || question.Qtype == dns.TypeIXFR {
		return m.SetRcode(q, dns.RcodeRefused)
	}
	name := strings.ToLower(question.Name)
	known := z.names.Load()
	if r := known.find(name); r != nil {
		m.Authoritative = true
		if question.Qtype == dns.TypeA || question.Qtype == dns.TypeANY {
			for _, a := range r.next() {
				m.Answer = append(m.Answer, &dns.A{
					Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: r.ttl},
					A:   net.IP(a.AsSlice()),
				})
			}
		} else if domain, ok := known.domain(name); ok {
			m.Ns = append(m.Ns, soa(domain))
		}
		return m
	}
	if domain, ok := known.domain(name); ok {
		m.SetRcode(q, dns.RcodeNameError)
		m.RecursionAvailable, m.Authoritative = true, true
		m.Ns = append(m.Ns, soa(domain))
		return m
	}
	if isPrivateReverse(name) {
		m.SetRcode(q, dns.RcodeNameError)
		m.RecursionAvailable = true
		return m
	}
	if !q.RecursionDesired {
		return m.SetRcode(q, dns.RcodeRefused)
	}
	return z.server.forward.ask(ctx, q)
}

// soa tells resolvers how long they may remember that a name or type does not exist. Names come and go with tasks, so not
// for long.
func soa(domain string) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: domain, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 5},
		Ns:  "ns." + domain, Mbox: "hostmaster." + domain, Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: 5,
	}
}
