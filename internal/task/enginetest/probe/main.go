// Command probe is what the containers of the engine's conformance suite run: words that each do one thing, statements separated
// by ",". It runs without a shell and without libraries.
//
//	sleep                   until SIGTERM, then exit 143; it prints "ready" once it waits
//	stubborn                until SIGKILL; the same
//	exit N
//	after DURATION          wait, then the next statement
//	trap SIGNAL N           exit N upon the signal, from here on
//	print WORDS             to standard output; complain: to standard error
//	spew N                  N numbered lines
//	env NAME                print its value
//	cwd | id | pid | host | nameservers | args
//	read PATH | write PATH TEXT | remove PATH
//	limit NAME              soft and hard resource limit: nofile, core
//	sysctl NAME
//	alloc MIB               take and keep that much memory
//	resolve NAME            an entry of /etc/hosts
//	links                   names of the network interfaces
//	free PATH               MiB of the file system at PATH
//	dial ADDRESS            connect by TCP, within a second, and print our own address
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	for words := os.Args[1:]; len(words) > 0; {
		n := slices.Index(words, ",")
		if n < 0 {
			n = len(words)
		}
		if err := do(words[:n]); err != nil {
			fmt.Fprintln(os.Stderr, "probe:", err)
			os.Exit(99)
		}
		words = words[min(n+1, len(words)):]
	}
}

func do(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("empty statement")
	}
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	text := strings.Join(words[1:], " ")
	switch words[0] {
	case "sleep":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		<-c
		os.Exit(143)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("ready")
		for {
			time.Sleep(time.Hour)
		}
	case "exit":
		n, err := strconv.Atoi(arg(1))
		if err != nil {
			return err
		}
		os.Exit(n)
	case "after":
		d, err := time.ParseDuration(arg(1))
		time.Sleep(d)
		return err
	case "trap":
		return trap(arg(1), arg(2))
	case "print":
		fmt.Println(text)
	case "complain":
		fmt.Fprintln(os.Stderr, text)
	case "spew":
		n, err := strconv.Atoi(arg(1))
		for i := range n {
			fmt.Println("line", i)
		}
		return err
	case "env":
		fmt.Println(os.Getenv(arg(1)))
	case "args":
		fmt.Println(strings.Join(os.Args, " "))
	case "cwd":
		dir, err := os.Getwd()
		fmt.Println(dir)
		return err
	case "id":
		fmt.Printf("%d:%d\n", os.Getuid(), os.Getgid())
	case "pid":
		fmt.Println(os.Getpid())
	case "host":
		name, err := os.Hostname()
		fmt.Println(name)
		return err
	case "nameservers":
		return nameservers()
	case "read":
		data, err := os.ReadFile(arg(1))
		os.Stdout.Write(data)
		return err
	case "write":
		return os.WriteFile(arg(1), []byte(strings.Join(words[2:], " ")+"\n"), 0o644)
	case "remove":
		return os.Remove(arg(1))
	case "limit":
		return limit(arg(1))
	case "sysctl":
		data, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(arg(1), ".", "/"))
		os.Stdout.Write(data)
		return err
	case "alloc":
		return alloc(arg(1))
	case "resolve":
		addresses, err := net.LookupHost(arg(1))
		fmt.Println(strings.Join(addresses, " "))
		return err
	case "links":
		interfaces, err := net.Interfaces()
		for _, i := range interfaces {
			fmt.Println(i.Name)
		}
		return err
	case "free":
		var s syscall.Statfs_t
		err := syscall.Statfs(arg(1), &s)
		fmt.Println(s.Blocks * uint64(s.Bsize) >> 20)
		return err
	case "dial":
		c, err := net.DialTimeout("tcp", arg(1), time.Second)
		if err != nil {
			return err
		}
		fmt.Println(c.LocalAddr())
		return c.Close()
	default:
		return fmt.Errorf("unknown word %q", words[0])
	}
	return nil
}

func trap(name, code string) error {
	signals := map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1,
	}
	s, ok := signals[strings.TrimPrefix(name, "SIG")]
	n, err := strconv.Atoi(code)
	if !ok || err != nil {
		return fmt.Errorf("trap %s %s", name, code)
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	go func() {
		<-c
		os.Exit(n)
	}()
	return nil
}

func nameservers() error {
	data, err := os.ReadFile("/etc/resolv.conf")
	for line := range strings.Lines(string(data)) {
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), "nameserver "); ok {
			fmt.Println(address)
		}
	}
	return err
}

func limit(name string) error {
	resources := map[string]int{"nofile": syscall.RLIMIT_NOFILE, "core": syscall.RLIMIT_CORE}
	r, ok := resources[name]
	if !ok {
		return fmt.Errorf("limit %s", name)
	}
	// Go raises the soft limit of nofile at start; the kernel's view of the starting process is in the file.
	var l syscall.Rlimit
	if err := syscall.Getrlimit(r, &l); err != nil {
		return err
	}
	fmt.Printf("%d:%d\n", int64(l.Cur), int64(l.Max))
	return nil
}

var kept [][]byte

func alloc(mib string) error {
	n, err := strconv.Atoi(mib)
	for range n {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	return err
}
