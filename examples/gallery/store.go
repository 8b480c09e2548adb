package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// The keys in redis. The pictures belong to the site and move with the traffic, those on the wall and those in albums,
// whose keys are images:NAME; the rest stays with its slice.
const (
	imagesKey  = "images"
	recentKey  = "recent"
	notePrefix = "note:"
)

const (
	recentKept = 5
	noteTTL    = 10 * time.Second
)

// errNone means that there is nothing under the key or number that was asked for.
var errNone = errors.New("there is none")

// store keeps the gallery's data in redis.
type store struct {
	addr   string
	client *redis.Client
}

func newStore(cfg config) *store {
	return &store{addr: cfg.redisAddr, client: redis.NewClient(&redis.Options{
		Addr:         cfg.redisAddr,
		Password:     cfg.redisPassword,
		DialTimeout:  time.Second,
		ReadTimeout:  3 * time.Second,
		WriteTimeout: 3 * time.Second,
		MaxRetries:   -1, // a push whose answer was lost must not store its picture twice
	})}
}

func (s *store) close() { _ = s.client.Close() }

func (s *store) ping(ctx context.Context) error {
	return s.explain("ping", s.client.Ping(ctx).Err())
}

// addImage stores a picture in front of all others of its list and returns how many there are.
func (s *store) addImage(ctx context.Context, key string, image []byte) (int64, error) {
	count, err := s.client.LPush(ctx, key, image).Result()
	return count, s.explain("store image", err)
}

// image returns the n-th newest picture, counted from 0.
func (s *store) image(ctx context.Context, key string, n int64) ([]byte, error) {
	image, err := s.client.LIndex(ctx, key, n).Bytes()
	return image, s.explain("read image", err)
}

// popImage removes the oldest picture and returns it.
func (s *store) popImage(ctx context.Context, key string) ([]byte, error) {
	image, err := s.client.RPop(ctx, key).Bytes()
	return image, s.explain("take image", err)
}

func (s *store) countImages(ctx context.Context) (int64, error) {
	count, err := s.client.LLen(ctx, imagesKey).Result()
	return count, s.explain("count images", err)
}

func (s *store) remember(ctx context.Context, url string) error {
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.LPush(ctx, recentKey, url)
		p.LTrim(ctx, recentKey, 0, recentKept-1)
		return nil
	})
	return s.explain("remember visit", err)
}

// recent returns the last URLs that were visited, newest first.
func (s *store) recent(ctx context.Context) ([]string, error) {
	urls, err := s.client.LRange(ctx, recentKey, 0, recentKept-1).Result()
	return urls, s.explain("read visits", err)
}

func (s *store) setNote(ctx context.Context, key, value string) error {
	return s.explain("write note", s.client.Set(ctx, notePrefix+key, value, noteTTL).Err())
}

func (s *store) note(ctx context.Context, key string) (string, error) {
	value, err := s.client.Get(ctx, notePrefix+key).Result()
	return value, s.explain("read note", err)
}

func (s *store) explain(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return errNone
	}
	return fmt.Errorf("%s: redis at %s: %w", what, s.addr, err)
}
