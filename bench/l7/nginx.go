package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/neargate/neargate/bench/pinned"
)

// common is what both nginx processes are configured with, after "Tuning NGINX" and "Module ngx_http_upstream_module:
// keepalive" of its documentation: one worker, no access log, connections kept for long.
const common = `
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log crit;
events { worker_connections 4096; multi_accept on; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	tcp_nodelay on;
	keepalive_timeout 75s;
	keepalive_requests 100000000;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	%[2]s
}
`

// balancer is what Neargate's load balancer does by default, in nginx's words. Stickiness by a cookie of its own is not part of
// nginx; "hash" on a cookie the client brings is what its documentation has for that.
const balancer = `
	proxy_buffers 16 16k;
	proxy_busy_buffers_size 64k;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $http_host;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	proxy_set_header X-Forwarded-Proto $scheme;
	proxy_set_header X-Forwarded-Port $server_port;
	proxy_set_header X-Amzn-Trace-Id Root=1-$request_id;
	upstream target {
		%[2]s
		keepalive 2048;
		keepalive_requests 100000000;
	}
	server {
		listen %[1]s reuseport deferred backlog=4096;
		%[4]s
		%[3]s
	}
`

const files = `
	open_file_cache max=16 inactive=1h;
	server {
		listen 0.0.0.0:%[1]d backlog=4096;
		root %[2]s;
	}
`

// startTarget serves files of 1 KB, 64 KB and 1 MB on a port of all addresses.
func startTarget(dir, cores string, port int) (*proxy, error) {
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	for _, d := range []string{filepath.Dir(dir), dir, root} {
		if err := os.Chmod(d, 0o755); err != nil { // the worker runs as another user
			return nil, err
		}
	}
	for name, size := range map[string]int{"1k": 1 << 10, "64k": 64 << 10, "1m": 1 << 20} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			return nil, err
		}
	}
	return runNginx("target", dir, cores, fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf(files, port, root))
}

// encrypted is TLS as "Configuring HTTPS servers" has it.
const encrypted = `ssl_certificate %s;
		ssl_certificate_key %s;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_session_cache shared:SSL:10m;
		ssl_session_timeout 10m;`

func startNginx(dir string, o options, s setup, port int) (*proxy, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	var upstream, locations strings.Builder
	if s.sticky {
		upstream.WriteString("hash $cookie_route consistent;\n")
	}
	for _, a := range s.addresses(port) {
		fmt.Fprintf(&upstream, "\t\tserver %s;\n", a)
	}
	for i := range s.rules - 1 {
		fmt.Fprintf(&locations, "location %s { proxy_pass http://target; }\n\t\t", s.path(i))
	}
	locations.WriteString("location / { proxy_pass http://target; }")
	listen, tls := address, ""
	if s.tls {
		listen += " ssl"
		tls = fmt.Sprintf(encrypted, o.certificate.chainFile, o.certificate.keyFile)
	}
	if s.http2 {
		listen += " http2"
	}
	return runNginx(nginx, dir, o.core, address, fmt.Sprintf(balancer, listen, upstream.String(), locations.String(), tls))
}

func runNginx(name, dir, cores, address, http string) (*proxy, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, common, dir, http), 0o644); err != nil {
		return nil, err
	}
	p, err := start(name, cores, address, nil, "nginx", "-p", dir, "-c", config)
	if err != nil {
		return nil, err
	}
	p.PIDs = func() []int { return children(p.PID()) }
	return p, nil
}

// children are the worker processes of a master.
func children(pid int) (out []int) {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid))
	for _, f := range strings.Fields(string(content)) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}
