package redisync

import (
	"bufio"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/internal/testkit"
)

func commandOf(words string) (c command) {
	for _, word := range strings.Fields(words) {
		c = append(c, []byte(word))
	}
	return c
}

func TestCommandsThatOneCommandDoesGoTogether(t *testing.T) {
	for _, c := range []struct {
		batch, sent []string
	}{
		{nil, nil},
		{[]string{"SET a 1"}, []string{"SET a 1"}},
		{[]string{"SET a 1", "set b 2", "SET a 3"}, []string{"MSET a 1 b 2 a 3"}},
		{[]string{"SET a 1", "SET b 2 PXAT 99", "SET c 3", "SET d 4"}, []string{"SET a 1", "SET b 2 PXAT 99", "MSET c 3 d 4"}},
		{[]string{"RPUSH l a", "RPUSH l b c", "RPUSH m d", "LPUSH m e", "lpush m f"}, []string{"RPUSH l a b c", "RPUSH m d", "LPUSH m e f"}},
		{[]string{"HSET h f 1", "HSET h g 2 f 3", "SADD s a", "SADD s b", "DEL h", "DEL s t", "UNLINK x"},
			[]string{"HSET h f 1 g 2 f 3", "SADD s a b", "DEL h s t", "UNLINK x"}},
		{[]string{"INCR n", "INCR n", "RPOP l", "RPOP l"}, []string{"INCR n", "INCR n", "RPOP l", "RPOP l"}}, // each does its own
		{[]string{"DEL a", "SET a 1", "DEL a"}, []string{"DEL a", "SET a 1", "DEL a"}},
	} {
		var batch []command
		for _, words := range c.batch {
			batch = append(batch, commandOf(words))
		}
		if got := sentFor(t, batch); !reflect.DeepEqual(got, c.sent) {
			t.Errorf("%q is sent as %q, want %q", c.batch, got, c.sent)
		}
	}
}

// sentFor returns the commands that a target gets to see for a batch.
func sentFor(t *testing.T, batch []command) (sent []string) {
	t.Helper()
	var wire strings.Builder
	c := &conn{w: bufio.NewWriter(&wire)}
	for _, r := range runs(batch, false, nil) {
		c.sendRun(batch[r.first:r.end])
	}
	if err := c.w.Flush(); err != nil {
		t.Fatal(err)
	}
	var d decoder
	d.feed([]byte(wire.String()))
	for range strings.Count(wire.String(), "*") {
		c, err := d.command()
		testkit.Must(t, err)
		var words []string
		for _, word := range c {
			words = append(words, string(word))
		}
		sent = append(sent, strings.Join(words, " "))
	}
	return sent
}

func TestALongRunIsSentInParts(t *testing.T) {
	batch := make([]command, maxWords)
	for i := range batch {
		batch[i] = commandOf("SET a 1")
	}
	for _, r := range runs(batch, false, nil) {
		if n := 3 * (r.end - r.first); n > maxWords {
			t.Errorf("a run has %d words", n)
		}
	}
	if n := len(runs(batch, false, nil)); n > 4 {
		t.Errorf("there are %d runs", n)
	}
}

func TestATargetThatDoesNotTakeCommandsTogetherGetsThemOneByOne(t *testing.T) {
	t.Parallel()
	for why, options := range map[string][]string{
		"its user may not": {"--user", "default", "on", "nopass", "~*", "&*", "+@all", "-mset"},
		"it has no MSET":   {"--rename-command", "MSET", ""},
	} {
		t.Run(why, func(t *testing.T) {
			from, to := startRedis(t), startRedis(t, options...)
			d := startedMirror(t, newData(t, from, to, "*"))
			_, err := from.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Set(t.Context(), "a", 1, 0)
				p.Set(t.Context(), "b", 2, 0)
				p.Copy(t.Context(), "a", "c", 0, true)
				return nil
			})
			testkit.Must(t, err)
			testkit.Eventually(t, "the copy has arrived", func() bool { return to.Get(t.Context(), "c").Val() == "1" })
			inStep(t, d)
			requireEqualKeys(t, from, to, []string{"*"})
		})
	}
}
