package aws

import "iter"

// Stream is the event stream of an output, for example StartLiveTail's. The gateway ranges over it after it has sent the
// response header and sends each event as it comes; an error ends the stream with that error. The function must return
// when the handler's context is done or when its consumer stops.
type Stream[T any] iter.Seq2[*T, error]

// Each is the stream without its type, for encoders.
func (s Stream[T]) Each(yield func(event any, err error) bool) {
	if s == nil {
		return
	}
	for event, err := range s {
		if !yield(event, err) {
			return
		}
	}
}
