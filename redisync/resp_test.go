package redisync

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
)

// connOn is a connection that reads the bytes and writes to nowhere.
func connOn(input []byte) *conn {
	return &conn{side: &server{}, ctx: context.Background(), r: bufio.NewReaderSize(bytes.NewReader(input), 64), w: bufio.NewWriter(io.Discard)}
}

func TestForwardedBulksAreTheSameBytes(t *testing.T) {
	var input, output bytes.Buffer
	var payload int64
	for i := range 300 {
		value := item(i, i*i%777)
		payload += int64(len(value))
		c := connOn(nil)
		c.w.Reset(&input)
		c.arg(value)
		c.flush()
	}
	from, to := connOn(input.Bytes()), connOn(nil)
	to.w.Reset(&output)
	got, err := from.forward(to, 300)
	if err != nil || to.flush() != nil {
		t.Fatal(err)
	}
	if got != payload || !bytes.Equal(input.Bytes(), output.Bytes()) {
		t.Errorf("%d bytes of payload of %d", got, payload)
	}
}

func TestBulksAreComparedOneByOneAndReadToTheEnd(t *testing.T) {
	bulks := func(values ...string) []byte {
		var b bytes.Buffer
		c := connOn(nil)
		c.w.Reset(&b)
		for _, v := range values {
			c.arg(v)
		}
		c.arg("end")
		c.flush()
		return b.Bytes()
	}
	long := strings.Repeat("x", 500)
	values := []string{"a", "", long, "b"}
	for _, c := range []struct {
		other []string
		want  bool
	}{
		{values, true},
		{[]string{"a", "", long, "c"}, false},
		{[]string{"A", "", long, "b"}, false},
		{[]string{"a", "", long[:499] + "y", "b"}, false},
		{[]string{"a", "longer", "", "b"}, false},
	} {
		a, b := connOn(bulks(values...)), connOn(bulks(c.other...))
		got, err := sameBulks(a, b, 4)
		if err != nil || got != c.want {
			t.Errorf("%.20q: %t, %v", c.other, got, err)
		}
		for _, side := range []*conn{a, b} {
			if end, _, err := side.bulk(); err != nil || string(end) != "end" {
				t.Errorf("%.20q: next came %q, %v", c.other, end, err)
			}
		}
	}
}

func TestAnswersThatMakeNoSenseAreErrors(t *testing.T) {
	for _, input := range []string{"", "\r\n", "$", "$5\r\nab", "$x\r\n", "*99999999999999999999\r\n", "$-2\r\n", "*2\n", ":1\r\n",
		"$9223372036854775807\r\n", "*2147483649\r\n", strings.Repeat("*", 100)} {
		if _, _, err := connOn([]byte(input)).bulk(); err == nil {
			t.Errorf("%q is read as a bulk string", input)
		}
		if err := connOn([]byte(input)).skip(); err == nil && input != ":1\r\n" {
			t.Errorf("%q is passed over as an answer", input)
		}
	}
}

func TestARefusedTransactionIsReadToItsEnd(t *testing.T) {
	c := connOn([]byte("+OK\r\n+QUEUED\r\n-OOM no memory\r\n-EXECABORT discarded\r\n+NEXT\r\n"))
	if err := c.transaction(2); !refusedAs(err, "OOM") {
		t.Errorf("transaction returned %v", err)
	}
	if next, err := c.status(); err != nil || next != "NEXT" {
		t.Errorf("next came %q, %v", next, err)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "-ERR x\r\n", ":12\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
		"*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n", "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		on := func() *conn { return connOn(input) }
		on().skip()
		on().bulk()
		on().bulks()
		on().status()
		on().transaction(1)
		on().expiry()
		on().sizes([]string{"a", "b"})
		on().forward(on(), 3)
		on().scan("HSCAN", "k", 10, func(n int64) error { return nil })
		sameBulks(on(), on(), 3)
		if same, err := sameList(on(), on()); err == nil && !same {
			t.Errorf("%q differs from itself", input)
		}
		if n, ok := parseInt(input); ok && n < 0 && !slices.Contains(input, '-') {
			t.Errorf("%q is read as %d", input, n)
		}
	})
}
