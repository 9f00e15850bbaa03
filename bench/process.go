package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

// process is a process under observation.
type process int

// cpu is the time it has spent so far, user and system, without its children.
func (p process) cpu() (time.Duration, error) {
	const perTick = 10 * time.Millisecond // USER_HZ is 100 on every Linux we run on
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return 0, err
	}
	// The second field may hold spaces and parentheses (proc(5)); utime and stime are the 14th and 15th.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, errors.New("unexpected /proc stat")
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * perTick
	}
	return sum, nil
}

// memory is its resident and its proportional set in MB (10⁶ bytes): shared pages count once in the latter.
func (p process) memory() (rss, pss float64, err error) {
	rss, pss, err = pinned.Memory(int(p))
	return rss / 1e6, pss / 1e6, err
}
