package redisync

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// refreshed bounds how many small keys are read in one transaction: the source does nothing else meanwhile.
const refreshed = 100

// refresh reads all dirty keys anew, each together with the offset at which it was read.
func (f *follower) refresh() error {
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(f.dirty)), refreshed) {
		if err := f.reread(keys); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) reread(keys []string) error {
	sizes, err := f.from.sizes(keys)
	if err != nil {
		return err
	}
	var small []string
	for i, key := range keys {
		if sizes[i] <= pieceThreshold {
			small = append(small, key)
			continue
		}
		if err := f.rereadLarge(key, sizes[i]); err != nil {
			return fmt.Errorf("key %s: %w", shown(key), err)
		}
	}
	return f.rereadWhole(small)
}

// rereadLarge copies a large collection from a snapshot, and what cannot be taken apart in one piece.
func (f *follower) rereadLarge(key string, size int64) error {
	if err := f.copyLarge(key, size); err != nil {
		return err
	}
	if _, still := f.dirty[key]; still { // it travelled without an offset
		return f.rereadWhole([]string{key})
	}
	return nil
}

// rereadWhole copies keys as payloads, all at one offset. What a target is too old to take is rebuilt.
func (f *follower) rereadWhole(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	f.from.send("MULTI")
	f.from.sendOffset()
	for _, key := range keys {
		f.from.sendExpiry(key)
		f.from.send("DUMP", key)
	}
	f.from.send("EXEC")
	if err := f.from.flush(); err != nil {
		return err
	}
	if err := f.from.transaction(1 + len(keys)*(f.from.expiryCommands()+1)); err != nil {
		return err
	}
	offset, err := f.from.offset()
	if err != nil {
		return err
	}
	refused, err := f.passPayloads(keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !slices.Contains(refused, key) {
			f.noteRead(key, offset)
		}
	}
	for _, key := range refused {
		if err := f.copyLarge(key, pieceThreshold); err != nil {
			return fmt.Errorf("key %s: %w", shown(key), err)
		}
	}
	return nil
}

// sendOffset asks for the offset of the server's stream; inside a transaction it is that of what is read there.
func (c *conn) sendOffset() { c.send("INFO", "replication") }

// offset reads the answer to sendOffset.
func (c *conn) offset() (int64, error) {
	text, _, err := c.bulk()
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(text), "master_repl_offset:")
	digits, _, _ := strings.Cut(after, "\r\n")
	n, isNumber := parseInt([]byte(digits))
	if !ok || !isNumber {
		return 0, c.fail(errProtocol)
	}
	return n, nil
}

func (p *pair) noteRead(key string, offset int64) {
	if p.readAt != nil {
		p.readAt(key, offset)
	}
}
