package http2

// budget bounds what a client may ask of us that nothing useful pays for: streams it opens only to reset them
// (CVE-2023-44487) or to have us reset them (CVE-2025-8671), pings, settings, priorities, empty frames, window updates of an
// octet each. Every such frame costs; requests earn, and so does data that we send, because clients answer it with window
// updates and pings; and time fills up what is spent.
type budget struct {
	left   int
	filled int64 // tick
}

const (
	budgetSize    = 1000
	budgetPerTick = 10 // a tick being a tenth of a second

	costFrame    = 1
	costReset    = 3 // more than a request earns
	requestEarns = 2
	// A frame of data earns for every 512 octets, and for itself unless the client's windows have made it small.
	frameEarns, shiftEarns = 2, 9
	maxEarned              = 16 * budgetSize // what a window full of small frames earns
)

func (b *budget) spend(cost int, now int64) error {
	if now > b.filled {
		b.earn(int(min(now-b.filled, budgetSize)) * budgetPerTick)
		b.filled = now
	}
	if b.left -= cost; b.left < 0 {
		return breach(EnhanceYourCalm, "too many frames that do nothing")
	}
	return nil
}

func (b *budget) earn(n int) { b.left = min(budgetSize, b.left+n) }

// spend takes cost out of the client's budget.
func (c *Connection) spend(cost int) error {
	if c.budget.left < budgetSize/2 {
		n := min(c.earned.Load(), budgetSize/2)
		c.earned.Add(-n)
		c.budget.earn(int(n))
	}
	return c.budget.spend(cost, c.config.Now())
}
