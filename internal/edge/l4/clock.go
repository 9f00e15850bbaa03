package l4

import (
	"sync/atomic"
	"time"
)

// tick is how exactly loops know the time. Timeouts are counted in ticks.
const tick = 250 * time.Millisecond

// clock is the coarse time, moved by Engine.Run.
type clock struct{ now atomic.Int64 }

// ticks is d rounded up, and one more because the current tick is partly over.
func ticks(d time.Duration) int64 { return int64((d+tick-1)/tick) + 1 }
