package images

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/vishvananda/netns"
)

// Locate says where the registry called host in image names is reached; nil: where its name says. The request keeps host as its
// Host header, so that one server can be many registries.
type Locate func(host string) *url.URL

// resolver speaks to registries for one pull.
func (s *Store) resolver(p Pull) remotes.Resolver {
	return docker.NewResolver(docker.ResolverOptions{Hosts: func(host string) ([]docker.RegistryHost, error) {
		h := docker.RegistryHost{
			Host: host, Scheme: "https", Path: "/v2",
			Capabilities: docker.HostCapabilityPull | docker.HostCapabilityResolve,
		}
		if isLoopback(host) {
			h.Scheme = "http"
		}
		if host == "docker.io" {
			h.Host = "registry-1.docker.io"
		}
		transport := docker.DefaultHTTPTransport(nil)
		transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
		var at *url.URL
		if s.locate != nil {
			at = s.locate(host)
		}
		switch {
		case at != nil:
			h.Scheme = at.Scheme
			dial := transport.DialContext
			transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dial(ctx, network, hostPort(at))
			}
			transport.Proxy = nil
		case p.NetNS != "":
			transport.DialContext = dialFrom(p.NetNS)
			transport.Proxy = nil
		}
		transport.IdleConnTimeout = 5 * time.Second
		h.Client = &http.Client{Transport: transport}
		h.Authorizer = docker.NewDockerAuthorizer(docker.WithAuthClient(h.Client), docker.WithAuthCreds(func(asks string) (string, string, error) {
			if asks != h.Host { // credentials are for the image's registry alone
				return "", "", nil
			}
			return p.Username, p.Password, nil
		}))
		return []docker.RegistryHost{h}, nil
	}})
}

func isLoopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return ip != nil && ip.IsLoopback()
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// dialFrom dials from inside the network namespace at path: a pull has the way out that its task has. Names are resolved before,
// by the host.
func dialFrom(path string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return nil, err
		}
		var lastErr error
		for _, ip := range ips {
			conn, err := dialInside(ctx, path, network, net.JoinHostPort(ip.Unmap().String(), port))
			if err == nil {
				return conn, nil
			}
			lastErr = err
		}
		return nil, lastErr
	}
}

// dialInside works on a thread of its own. The thread is thrown away if it cannot return to where it was.
func dialInside(ctx context.Context, path, network, addr string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var home, there netns.NsHandle
		if home, err = netns.Get(); err != nil {
			return
		}
		defer home.Close()
		if there, err = netns.GetFromPath(path); err != nil {
			err = fmt.Errorf("network namespace %s: %w", path, err)
			return
		}
		defer there.Close()
		if err = netns.Set(there); err != nil {
			return
		}
		// A literal address and no fallback: the dialer makes its socket on this very goroutine.
		d := net.Dialer{Timeout: 10 * time.Second, FallbackDelay: -1}
		conn, err = d.DialContext(ctx, network, addr)
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return conn, err
}
