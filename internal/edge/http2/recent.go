package http2

// recent remembers the streams we have reset last: what the client had sent before it knew is not held against it.
type recent struct {
	ids  [MaxStreams]uint32
	next int
}

func (r *recent) add(id uint32) {
	r.ids[r.next] = id
	r.next = (r.next + 1) % len(r.ids)
}

func (r *recent) has(id uint32) bool {
	for _, other := range r.ids {
		if other == id {
			return true
		}
	}
	return false
}
