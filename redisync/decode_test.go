package redisync

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"verdigris/internal/testkit"
)

// wire writes commands as a stream has them.
func wire(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		words := strings.Split(line, " ")
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, word := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	return b.String()
}

func TestAStreamDecodesToTheSameUnitsHoweverItIsCut(t *testing.T) {
	stream := wire("SELECT 0", "MULTI", "SET a $3\r\nEXEC\r\n", "INCR b", "EXEC") + "\n" + wire("MULTI", "EXEC", "SET c *1\r\n$4\r\nMULTI")
	want := `[[SELECT 0]] 23; [[SET a $3` + "\r\nEXEC\r\n" + `] [INCR b]] 110; [] 111; [] 140; [[SET c *1` + "\r\n$4\r\nMULTI" + `]] 180; `
	for width := 1; width <= len(stream); width++ {
		var d decoder
		var got strings.Builder
		for rest := stream; rest != ""; {
			n := min(width, len(rest))
			d.feed([]byte(rest[:n]))
			rest = rest[n:]
			for {
				u, err := d.next()
				if errors.Is(err, errIncomplete) {
					break
				}
				testkit.Must(t, err)
				fmt.Fprintf(&got, "%s %d; ", u.commands, u.end)
			}
		}
		if got.String() != want {
			t.Fatalf("in pieces of %d: got %q, want %q", width, got.String(), want)
		}
		if d.holds() || d.offset != int64(len(stream)) {
			t.Fatalf("in pieces of %d: something is left at %d of %d", width, d.offset, len(stream))
		}
	}
}

// A value of 64 MB used to be moved once for each piece in which it arrived.
func BenchmarkDecodeALargeValue(b *testing.B) {
	value := strings.Repeat("x", 64<<20)
	stream := []byte(wire("SET key " + value))
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		var d decoder
		for at := 0; at < len(stream); at += 256 << 10 {
			d.feed(append([]byte{}, stream[at:min(len(stream), at+256<<10)]...))
			if _, err := d.next(); err != nil && !errors.Is(err, errIncomplete) {
				b.Fatal(err)
			}
		}
	}
}
