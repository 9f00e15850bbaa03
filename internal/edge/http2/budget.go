package http2

// budget bounds what a client may ask of us that no request of its own pays for: streams it opens only to reset them
// (CVE-2023-44487) or to have us reset them (CVE-2025-8671), pings, settings, priorities, empty frames, window updates of an
// octet each. Every such frame costs, every request earns, and time fills up what is spent.
type budget struct {
	left   int
	filled int64 // tick
}

const (
	budgetSize    = 1000
	budgetPerTick = 10 // a tick being a tenth of a second

	costFrame = 1
	costReset = 3 // more than a request earns
	earning   = 2
)

func (b *budget) spend(cost int, now int64) error {
	if now > b.filled {
		b.left = min(budgetSize, b.left+int(min(now-b.filled, budgetSize))*budgetPerTick)
		b.filled = now
	}
	if b.left -= cost; b.left < 0 {
		return breach(EnhanceYourCalm, "too many frames that do nothing")
	}
	return nil
}

func (b *budget) earn() { b.left = min(budgetSize, b.left+earning) }
