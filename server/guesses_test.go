package server

import (
	"fmt"
	"testing"
	"time"
)

func TestWrongTokensAreForgottenWithTime(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	g := guesses{now: func() time.Time { return now }}
	token := [32]byte{1}
	for range maxGuesses {
		g.wrong("a")
	}
	if g.allowed("a", token) || !g.allowed("b", token) {
		t.Fatal("the wrong address is slowed down")
	}
	now = now.Add(forgetAfter + time.Second)
	if !g.allowed("a", token) {
		t.Error("one attempt should be forgotten by now")
	}
	g.wrong("a")
	if g.allowed("a", token) {
		t.Error("only one attempt should be forgotten by now")
	}
}

func TestTheMemoryForWrongTokensIsBounded(t *testing.T) {
	var g guesses
	for i := range 3 * maxAddresses {
		g.wrong(fmt.Sprint(i))
		g.right([32]byte{byte(i), byte(i >> 8)})
	}
	if len(g.buckets) > maxAddresses || len(g.good) > maxGood {
		t.Errorf("%d addresses and %d tokens are remembered", len(g.buckets), len(g.good))
	}
	if _, known := g.buckets[fmt.Sprint(3*maxAddresses-1)]; !known {
		t.Error("the newest was not remembered")
	}
}
