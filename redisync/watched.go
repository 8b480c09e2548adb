package redisync

import "sync"

// watched is a value whose changes can be waited for. Its zero value is that of T.
type watched[T comparable] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{} // closed when the value changes; nil before anybody has asked
}

// now returns the value, and what is closed when it changes.
func (w *watched[T]) now() (value T, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.value, w.changed
}

func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value
}

func (w *watched[T]) set(value T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.value == value {
		return
	}
	w.value = value
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}
