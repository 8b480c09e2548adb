package redisync

import (
	"testing"

	"verdigris/deploy"
)

func TestEveryTypeArrivesExactly(t *testing.T) {
	from, to := startRedis(t), startRedis(t)
	everything(t, from, "")
	copied, settled := move(t, newData(t, from, to, "*"))
	requireEqual(t, from, to)
	if n := int64(len(contents(t, from))); copied.Keys != n || settled.Compared != n {
		t.Errorf("copied %d and compared %d of %d keys", copied.Keys, settled.Compared, n)
	}
	if settled.Keys != 0 {
		t.Errorf("settling copied %d keys though nothing had changed", settled.Keys)
	}
}

var _ deploy.Data = (*Data)(nil)
