package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tally is what a client has done in its time.
type tally struct {
	Units  float64 `json:"units"` // megabytes or connections or round trips
	Failed int64   `json:"failed"`
}

// runClient does one work for a while and prints its tally: name, address, duration, connections.
func runClient(args []string) error {
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	do := map[string]func(string, time.Time, *counts){"download": download, "upload": upload, "connect": connections, "echo": roundTrips}[args[0]]
	if do == nil {
		return errors.New("unknown work " + args[0])
	}
	var c counts
	until := time.Now().Add(d)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { do(args[1], until, &c) })
	}
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(tally{Units: c.units(args[0]), Failed: c.failed.Load()})
}

type counts struct{ octets, done, failed atomic.Int64 }

func (c *counts) units(work string) float64 {
	if work == "download" || work == "upload" {
		return float64(c.octets.Load()) / 1e6
	}
	return float64(c.done.Load())
}

func dial(address string, until time.Time, c *counts) *net.TCPConn {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		c.failed.Add(1)
		return nil
	}
	conn.SetDeadline(until.Add(2 * time.Second))
	return conn.(*net.TCPConn)
}

func download(address string, until time.Time, c *counts) {
	conn := dial(address, until, c)
	if conn == nil {
		return
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{askDownload}); err != nil {
		c.failed.Add(1)
		return
	}
	conn.SetDeadline(until)
	n, err := discard(conn)
	c.octets.Add(n)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.failed.Add(1)
	}
}

func upload(address string, until time.Time, c *counts) {
	conn := dial(address, until, c)
	if conn == nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(until)
	b := make([]byte, 1<<20)
	b[0] = askUpload
	for {
		n, err := conn.Write(b)
		c.octets.Add(int64(n))
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.failed.Add(1)
			}
			return
		}
	}
}

// connections opens one connection after the other: an octet there, an octet back.
func connections(address string, until time.Time, c *counts) {
	var b [1]byte
	for time.Now().Before(until) {
		conn := dial(address, until, c)
		if conn == nil {
			continue
		}
		b[0] = askEcho
		_, err := conn.Write(b[:])
		if err == nil {
			_, err = conn.Read(b[:])
		}
		conn.Close()
		if err != nil {
			c.failed.Add(1)
			continue
		}
		c.done.Add(1)
	}
}

// roundTrips sends an octet after the other on one connection.
func roundTrips(address string, until time.Time, c *counts) {
	conn := dial(address, until, c)
	if conn == nil {
		return
	}
	defer conn.Close()
	b := [64]byte{askEcho}
	for time.Now().Before(until) {
		_, err := conn.Write(b[:])
		if err == nil {
			_, err = conn.Read(b[:])
		}
		if err != nil {
			c.failed.Add(1)
			return
		}
		c.done.Add(1)
	}
}

// discard reads until the end without looking: the kernel drops the octets where they are.
func discard(c *net.TCPConn) (total int64, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	b := make([]byte, 1<<20)
	for {
		var n int
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failure = unix.Recvfrom(int(fd), b, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
			return failure != syscall.EAGAIN
		})
		if err == nil {
			err = failure
		}
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, nil
		}
		total += int64(n)
	}
}
