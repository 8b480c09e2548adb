package redisync

import (
	"context"
	"fmt"
)

// checkHeadroom refuses a target whose memory limit the selected keys would break: it would refuse writes half
// way through, or evict keys that nobody wanted to lose. Counted is what redis says its keys take, and a tenth
// more; the target's own selected keys make room as they are replaced, all but the largest, which stays until
// its successor is complete.
func (t *transfer) checkHeadroom(ctx context.Context, from, to *conn) error {
	limit := t.to.info.number("maxmemory")
	if limit == 0 {
		return nil
	}
	need, largest, err := from.weigh(ctx, t.keys)
	if err != nil {
		return err
	}
	has, _, err := to.weigh(ctx, t.keys)
	if err != nil {
		return err
	}
	after := t.to.info.number("used_memory") - has + need + need/10 + largest
	if after <= limit || need == 0 {
		return nil
	}
	return refuse(ctx, t.to, fmt.Sprintf("the selected keys take %d MB and would bring it to %d MB, past its maxmemory of %d MB",
		megabytes(need), megabytes(after), megabytes(limit)),
		fmt.Sprintf("raise maxmemory of the redis of %s, or remove keys that it does not need", t.to.slice))
}

// weigh returns how much memory the selected keys take by the server's own estimate, together and the largest alone.
func (c *conn) weigh(ctx context.Context, keys selection) (sum, largest int64, err error) {
	err = c.side.walk(ctx, keys, func(found batch) error {
		for _, size := range found.sizes {
			sum += max(0, size)
			largest = max(largest, size)
		}
		return nil
	})
	return sum, largest, err
}

func megabytes(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
