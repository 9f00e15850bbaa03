package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// screen shows progress: a line per step that ends with what came of it. On a
// terminal the step under way moves; elsewhere each line is printed once.
type screen struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	step  string
	began time.Time
	note  string
	stop  chan struct{}
	ended sync.WaitGroup
}

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// Colours of the terminal.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	dim   = "\x1b[2m"
	bold  = "\x1b[1m"
	plain = "\x1b[0m"
	clear = "\r\x1b[K"
)

func (s *screen) paint(colour, text string) string {
	if !s.terminal {
		return text
	}
	return colour + text + plain
}

// begin starts a step.
func (s *screen) begin(step string) {
	s.mu.Lock()
	s.step, s.began, s.note = step, time.Now(), ""
	s.stop = make(chan struct{})
	s.mu.Unlock()
	if !s.terminal {
		return
	}
	s.ended.Add(1)
	go func() {
		defer s.ended.Done()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			s.mu.Lock()
			fmt.Fprintf(s.out, "%s %s %s  %s", clear, spinner[i%len(spinner)], s.step, s.paint(dim, s.note))
			stop := s.stop
			s.mu.Unlock()
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
}

// say tells how the step under way is doing.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note = fmt.Sprintf(format, args...)
}

// end closes the step with what came of it.
func (s *screen) end(err error, result string) {
	close(s.stop)
	s.ended.Wait()
	took := time.Since(s.began)
	mark := s.paint(green, "✓")
	if err != nil {
		mark, result = s.paint(red, "✗"), err.Error()
	}
	start := ""
	if s.terminal {
		start = clear
	}
	fmt.Fprintf(s.out, "%s %s %-34s %s %s\n", start, mark, s.step, s.paint(dim, fmt.Sprintf("%6.1f s", took.Seconds())), result)
}

func (s *screen) line(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

func (s *screen) title(text string) { s.line("\n%s", s.paint(bold, text)) }

// bar draws n of most as a bar.
func bar(n, most, width int) string {
	if most == 0 {
		return ""
	}
	return strings.Repeat("█", max(1, n*width/most))
}
