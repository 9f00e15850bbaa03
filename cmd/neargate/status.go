package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/neargate/neargate/internal/control"
)

func readStatus(ctx context.Context, endpoint string) (s control.Status, err error) {
	return s, client{endpoint}.get(ctx, "status", &s)
}

func runStatus(ctx context.Context, args []string) error {
	f := flags("status")
	endpoint := endpointFlag(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	s, err := readStatus(ctx, *endpoint)
	if err != nil {
		return err
	}
	return writeStatus(os.Stdout, *endpoint, &s)
}

func writeStatus(out io.Writer, endpoint string, s *control.Status) error {
	running := 0
	for _, t := range s.Tasks {
		if t.Status == "RUNNING" {
			running++
		}
	}
	fmt.Fprintf(out, "account %s, region %s at %s: %s, %s, %s\n",
		s.Account, s.Region, endpoint, count(len(s.Services), "service"), count(running, "running task"), count(len(s.LoadBalancers), "load balancer"))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(s.Services) > 0 {
		fmt.Fprintln(w, "\nSERVICE\tCLUSTER\tRUNNING\tROLLOUT\tLAST EVENT")
		for _, v := range s.Services {
			fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s\t%s\n", v.Name, v.Cluster, v.Running, v.Desired, v.Rollout, v.LastEvent)
		}
	}
	if len(s.LoadBalancers) > 0 {
		fmt.Fprintln(w, "\nLOAD BALANCER\tSTATE\tBY NAME\tBY ADDRESS\tPUBLIC ADDRESSES")
		for _, l := range s.LoadBalancers {
			name, state, public := l.Name, l.State, strings.Join(l.Public, " ")
			switch {
			case l.Internal:
				public = "internal: only its VPC reaches it"
			case public == "":
				public = "-"
			}
			if len(l.Listeners) == 0 {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, state, "no listener", "no listener", public)
			}
			for _, at := range l.Listeners {
				address := "-"
				if l.Address != "" {
					address = reached(l.Address, at)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, state, reached("http://"+l.DNSName, at), address, public)
				name, state, public = "", "", ""
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	writeClosed(out, s.LoadBalancers)
	return nil
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

// writeClosed tells which addresses of this machine lead to no load balancer although they should.
func writeClosed(out io.Writer, balancers []control.LoadBalancerStatus) {
	var b strings.Builder
	for _, l := range balancers {
		for _, d := range l.Closed {
			fmt.Fprintf(&b, "%s does not lead to load balancer %s: %s\n", d.Address, l.Name, d.Why)
		}
	}
	if b.Len() > 0 {
		fmt.Fprintf(out, "\n%sneargate tries again every second; until then use the load balancer's other addresses\n", b.String())
	}
}

// reached is how a listener is reached at http://HOST: by URL where it speaks HTTP, else by host, port and protocol.
func reached(url string, l control.ListenerStatus) string {
	host, protocol := hostOf(url), strings.ToLower(l.Protocol)
	switch {
	case l.Protocol == "HTTP" && l.Port == 80, l.Protocol == "HTTPS" && l.Port == 443:
		return fmt.Sprintf("%s://%s/", protocol, host)
	case l.Protocol == "HTTP", l.Protocol == "HTTPS":
		return fmt.Sprintf("%s://%s:%d/", protocol, host, l.Port)
	}
	return fmt.Sprintf("%s:%d/%s", host, l.Port, protocol)
}

func runPs(ctx context.Context, args []string) error {
	f := flags("ps")
	endpoint := endpointFlag(f)
	all := f.Bool("a", false, "stopped tasks too")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	s, err := readStatus(ctx, *endpoint)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TASK\tGROUP\tSTATUS\tADDRESS\tZONE\tAGE\tCONTAINERS\tREASON")
	for _, t := range s.Tasks {
		if t.Status == "STOPPED" && !*all {
			continue
		}
		var parts []string
		for _, c := range t.Containers {
			part := c.Name + " " + c.Status
			if c.ExitCode != nil {
				part += fmt.Sprintf(" (%d)", *c.ExitCode)
			}
			parts = append(parts, part)
		}
		age := "-"
		if !t.StartedAt.IsZero() {
			age = time.Since(t.StartedAt).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Group, t.Status, t.Address, t.Zone, age, strings.Join(parts, ", "), t.StoppedReason)
	}
	return w.Flush()
}
