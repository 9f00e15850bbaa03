package deploy

import (
	"time"

	"github.com/neargate/neargate/internal/clock"
)

// Timing holds the scheduler's own waits, already scaled by the platform's clock.
type Timing struct {
	// Settle is how long a task without any health check runs before it counts as healthy.
	// AWS: "DeploymentConfiguration", minimumHealthyPercent: 40 seconds.
	Settle time.Duration
	// Repeat is after how long a steady state and a lasting warning are said again. AWS: "Viewing Amazon ECS service event messages".
	Repeat time.Duration
	// Brief is the run time below which a task that fell over is replaced only after Pace: AWS's scheduler comes round every few
	// seconds, ours at once, and a crashing container would keep the machine busy with nothing else.
	Brief, Pace time.Duration
	// Backoff is the first delay after tasks repeatedly did not start; it doubles up to Longest.
	// AWS: "Amazon ECS service throttle logic": 27 minutes.
	Backoff, Longest time.Duration
	// Avoid is how long a subnet without free addresses is tried last.
	Avoid time.Duration
	// Forget is how long a deleted service is described as INACTIVE.
	Forget time.Duration
}

// NewTiming returns AWS's waits on that clock.
func NewTiming(c clock.Clock) Timing {
	return Timing{
		Settle:  c.Wait(40 * time.Second),
		Repeat:  c.Wait(6 * time.Hour),
		Brief:   c.Wait(time.Minute),
		Pace:    c.Wait(10 * time.Second),
		Backoff: c.Wait(30 * time.Second),
		Longest: c.Wait(27 * time.Minute),
		Avoid:   c.Wait(time.Minute),
		Forget:  c.Wait(time.Hour),
	}
}

// impaired is the number of failed batches in a row from which on the delay grows.
const impaired = 3

// backoff is the delay after the nth failed batch in a row.
func (t Timing) backoff(n int) time.Duration {
	if n < impaired {
		return t.Pace
	}
	d := t.Backoff
	for range min(n-impaired, 16) {
		d *= 2
	}
	return min(d, t.Longest)
}
