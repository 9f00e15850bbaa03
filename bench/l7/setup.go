package main

import "fmt"

// setup is how a proxy is configured: the same for all contestants, as far as they can.
type setup struct {
	rules    int  // the default rule included; none of the others matches what is asked for
	targets  int  // addresses of the one target process
	sticky   bool // clients are bound to targets by cookie
	changing bool // weights and targets change a hundred times a second
	tls      bool // clients connect by TLS 1.3
	http2    bool // and speak HTTP/2
}

var (
	plain   = setup{rules: 1, targets: 1}
	typical = setup{rules: 20, targets: 2, sticky: true}
	small   = setup{rules: 1, targets: 2}
	large   = setup{rules: 100, targets: 1000}
	secured = setup{rules: 1, targets: 1, tls: true}
	streams = setup{rules: 1, targets: 1, tls: true, http2: true}
)

func (s setup) with(change func(*setup)) setup {
	change(&s)
	return s
}

// path is what rule i, from 0, matches the paths under.
func (s setup) path(i int) string { return fmt.Sprintf("/service-%d/", i) }

// addresses are the targets: the process listens on all of 127.0.0.0/8.
func (s setup) addresses(port int) []string {
	out := make([]string, s.targets)
	for i := range out {
		out[i] = fmt.Sprintf("127.1.%d.%d:%d", i/250, i%250+1, port)
	}
	return out
}

// contestant is a program in a setup.
type contestant struct {
	program string
	setup   setup
	title   string // in the report, if not the program's name
}

func (c contestant) name() string {
	if c.title != "" {
		return c.title
	}
	return c.program
}

const (
	neargate = "neargate"
	nginx    = "nginx"
	haproxy  = "haproxy"
	caddy    = "caddy"
)

// launch starts a program in a setup.
func launch(c contestant, dir string, o options, port int) (p *proxy, err error) {
	switch c.program {
	case nginx:
		p, err = startNginx(dir, o, c.setup, port)
	case haproxy:
		p, err = startHAProxy(dir, o, c.setup, port)
	case caddy:
		p, err = startCaddy(dir, o, c.setup, port)
	default:
		p, err = startEdge(dir, o, c.setup, port)
	}
	if err == nil {
		p.tls = c.setup.tls
	}
	return p, err
}
