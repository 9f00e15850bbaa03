package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/bench/pinned"
)

// site is Caddy as its documentation has it, "Caddyfile: reverse_proxy", without logs and the API.
const site = `
{
	admin off
	auto_https disable_redirects
	log {
		output discard
	}
}
https://%[1]s {
	tls %[2]s %[3]s
	reverse_proxy %[4]s {
		header_up X-Forwarded-Port {http.request.local.port}
		header_up X-Amzn-Trace-Id Root=1-{http.request.uuid}
		transport http {
			versions 1.1
			compression off
			keepalive_idle_conns_per_host 256
		}
	}
}
`

func startCaddy(dir string, o options, s setup, port int) (*proxy, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "Caddyfile")
	content := fmt.Appendf(nil, site, address, o.certificate.chainFile, o.certificate.keyFile, strings.Join(s.addresses(port), " "))
	if err := os.WriteFile(config, content, 0o644); err != nil {
		return nil, err
	}
	env := []string{"GOMAXPROCS=1", "HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	return start(caddy, o.core, address, env, "caddy", "run", "--config", config, "--adapter", "caddyfile")
}
