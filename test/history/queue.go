package history

// queue is a list of values as the search for an order sees it. It never changes: push and pop return another one, which
// shares what it can with this one, since the search keeps thousands of them.
type queue struct {
	front  *cell // the oldest first; nil when there is nothing
	back   *cell // the newest first, behind all of front
	size   int
	newest int
}

type cell struct {
	value int
	next  *cell
}

func (q queue) push(value int) queue {
	if q.size == 0 {
		q.front = &cell{value: value}
	} else {
		q.back = &cell{value, q.back}
	}
	q.size++
	q.newest = value
	return q
}

// oldest returns the oldest value; false when there is none.
func (q queue) oldest() (int, bool) {
	if q.size == 0 {
		return 0, false
	}
	return q.front.value, true
}

// pop returns the queue without its oldest value, of which there must be one.
func (q queue) pop() queue {
	q.size--
	if q.front = q.front.next; q.front != nil {
		return q
	}
	for ; q.back != nil; q.back = q.back.next {
		q.front = &cell{q.back.value, q.front}
	}
	if q.size == 0 {
		q.newest = 0
	}
	return q
}

// equal tells whether two queues hold the same values.
func (q queue) equal(other queue) bool {
	if q.size != other.size || q.newest != other.newest {
		return false
	}
	for ; q.size > 0; q, other = q.pop(), other.pop() {
		if q.front.value != other.front.value {
			return false
		}
	}
	return true
}
