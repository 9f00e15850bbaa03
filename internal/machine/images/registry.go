package images

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
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
		transport.Proxy = s.proxy
		transport.DialContext = (&net.Dialer{Timeout: dialLimit}).DialContext
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
		case p.NetNS != "" && !isLoopback(host) && !s.proxied(h):
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

// proxied tells whether the host reaches a registry by a proxy, which a task's namespace would not lead to.
func (s *Store) proxied(h docker.RegistryHost) bool {
	at, err := s.proxy(&http.Request{URL: &url.URL{Scheme: h.Scheme, Host: h.Host}})
	return at != nil || err != nil
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

// dialLimit is how long a connection to a registry may take, by whichever of its addresses.
const dialLimit = 10 * time.Second

// dialFrom dials from inside the network namespace at path: a pull has the way out that its task has. Names are resolved before,
// by the host.
func dialFrom(path string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, err
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return nil, err
		}
		var lastErr error
		end := time.Now().Add(dialLimit)
		for i, ip := range ips {
			to := netip.AddrPortFrom(ip.Unmap(), uint16(number))
			conn, err := dialInside(ctx, path, network, to.String(), time.Until(end)/time.Duration(len(ips)-i))
			if err == nil {
				return conn, nil
			}
			lastErr = vanished(err, network, to)
		}
		return nil, lastErr
	}
}

// vanished is err as a client of AWS sees it: what has no route there is dropped, not refused.
func vanished(err error, network string, to netip.AddrPort) error {
	if !errors.Is(err, unix.ENETUNREACH) && !errors.Is(err, unix.EHOSTUNREACH) {
		return err
	}
	return &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: os.ErrDeadlineExceeded}
}

// dialInside works on a thread of its own. The thread is thrown away if it cannot return to where it was.
func dialInside(ctx context.Context, path, network, addr string, limit time.Duration) (conn net.Conn, err error) {
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
		d := net.Dialer{Timeout: limit, FallbackDelay: -1}
		conn, err = d.DialContext(ctx, network, addr)
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return conn, err
}
