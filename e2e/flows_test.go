package e2e

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// flowsFromHere are this machine's to the internet-facing network load balancer, at the Elastic IPs it was given.
func (f *fleet) flowsFromHere() {
	t := f.t
	here := f.host.String()
	if got := f.flows.status.Public; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(f.elastic))) {
		t.Errorf("addresses %v, want the Elastic IPs %v", got, f.elastic)
	}
	for _, at := range f.elastic {
		for _, c := range []struct {
			what, network string
			port          int
			want          string
		}{
			{"client IP preservation", "tcp", 7000, " answers " + here + ":"},
			{"proxy protocol", "tcp", 7001, " answers " + here + ":"},
			{"UDP", "udp", 7002, " answers " + here + ":"},
		} {
			got, err := line(c.network, net.JoinHostPort(at, fmt.Sprint(c.port)), patience)
			if err != nil || !strings.Contains(got, c.want) {
				t.Errorf("%s at %s: %q %v", c.what, at, got, err)
			}
		}
	}
	// The header tells where the client thinks it is connected to; the connection itself is the load balancer's.
	if got, err := line("tcp", f.elastic[0]+":7001", patience); err != nil || !strings.Contains(got, ":7001 over 10.0.") {
		t.Errorf("proxy protocol: %q %v", got, err)
	}
	if got, err := line("udp", f.elastic[0]+":7002", patience); err != nil || !strings.HasSuffix(got, ": hello") {
		t.Errorf("UDP: %q %v", got, err)
	}
	if got, err := f.secured(patience); err != nil || !strings.Contains(got, " answers ") {
		t.Errorf("TLS: %q %v", got, err)
	}
	c, err := net.Dial("udp", f.elastic[1]+":7002")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first, err := lineOf(c, patience)
	for range 10 {
		if next, again := lineOf(c, patience); err != nil || again != nil || next != first {
			t.Fatalf("datagrams of one flow: %q %v, then %q %v", first, err, next, again)
		}
	}
	// The doors on this machine's own loopback: the port that is this load balancer's alone, and its address.
	for _, at := range []string{"127.0.0.1", strings.TrimPrefix(f.flows.status.Address, "http://")} {
		for _, network := range []string{"tcp", "udp"} {
			port := map[string]string{"tcp": "7000", "udp": "7002"}[network]
			if got, err := line(network, net.JoinHostPort(at, port), patience); err != nil || !strings.Contains(got, " answers "+here+":") {
				t.Errorf("by %s at %s: %q %v", network, at, got, err)
			}
		}
	}
	body, err := f.fetch(&http.Client{Timeout: loadPatience}, "http://"+f.elastic[0]+"/echo")
	if err != nil {
		t.Fatal(err)
	}
	if s := f.echoed(body); s.Header.Get("X-Forwarded-For") != here {
		t.Errorf("behind the application load balancer behind it: %+v", s)
	}
	met := map[string]bool{}
	for range 30 {
		got, err := line("tcp", f.elastic[0]+":7000", patience)
		if err != nil {
			t.Fatal(err)
		}
		met[got[:1]] = true
	}
	if len(met) != 2 {
		t.Errorf("30 connections meet %v", met)
	}
}

// flowsInside are a task's to the internal network load balancer, whose addresses were chosen.
func (f *fleet) flowsInside() {
	t := f.t
	asker := f.runTask(f.target("asker"), f.placement(f.private[:1]))
	where := address(f.reaches(asker, "RUNNING"))
	ask := func(word, what string) string {
		t.Helper()
		out, err := f.exec(id(asker), "/app", word, what)
		if err != nil {
			t.Errorf("%s %s: %v %s", word, what, err, out)
		}
		return strings.TrimSpace(out)
	}
	for name, want := range map[string]string{
		f.inner.dns: "10.0.10.77 10.0.11.77", "us-east-1a." + f.inner.dns: "10.0.10.77", "us-east-1b." + f.inner.dns: "10.0.11.77",
		"us-east-1a." + f.flows.dns: f.elastic[0], "us-east-1b." + f.flows.dns: f.elastic[1],
	} {
		if got := ask("resolve", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, at := range []string{f.inner.dns, "us-east-1b." + f.inner.dns} {
		if got := ask("tcp", at+":7000"); !strings.Contains(got, " answers "+where+":") {
			t.Errorf("with client IP preservation a target sees %q, want %s", got, where)
		}
		if got := ask("udp", at+":7002"); !strings.Contains(got, " answers "+where+":") {
			t.Errorf("of datagrams a target sees %q, want %s", got, where)
		}
		if got := ask("tcp", at+":7001"); !strings.Contains(got, " answers 10.0.1") || strings.Contains(got, where+":") {
			t.Errorf("without client IP preservation a target sees %q, want an address of the load balancer", got)
		}
	}
}

// flowsGuarded: a packet passes where the groups of both the load balancer and the target admit it, and not before.
func (f *fleet) flowsGuarded() {
	t := f.t
	at := f.elastic[0] + ":7003"
	refused := func(what string) {
		t.Helper()
		if got, err := line("tcp", at, impatience); err == nil {
			t.Errorf("%s: %q", what, got)
		}
	}
	passes := func(what string) {
		t.Helper()
		f.eventually(patience, what, func() error { _, err := line("tcp", at, impatience); return err })
	}
	refused("the target's group does not admit port 7003")
	f.admitAll(f.taskGroup, "tcp", 7003, 7003, "Groups.1.GroupId", f.nlbGroup)
	passes("the target's group admits it")
	f.ec2("RevokeSecurityGroupIngress", f.rule(f.nlbGroup, 7003, "IpRanges.1.CidrIp", "0.0.0.0/0")...)
	f.eventually(patience, "the load balancer's group does not admit it any more", func() error {
		if got, err := line("tcp", at, impatience); err == nil {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	f.admitAll(f.nlbGroup, "tcp", 7003, 7003, "IpRanges.1.CidrIp", f.host.String()+"/32")
	passes("the load balancer's group admits this machine")
}

// shown is what `neargate status` prints.
func (f *fleet) shown() {
	out := f.neargate("status")
	for _, want := range []string{
		"http://" + f.web.dns + "/", "https://" + f.web.dns + "/", f.flows.dns + ":7000/tcp", f.flows.dns + ":7002/udp", f.flows.dns + ":7443/tls", f.elastic[0], f.elastic[1],
	} {
		if !strings.Contains(out, want) {
			f.t.Errorf("no %s in:\n%s", want, out)
		}
	}
}
