package redisync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
)

// replyError is an error that the server answered with; its first word is redis' code for it.
type replyError string

func (e replyError) Error() string { return string(e) }

// errProtocol means that what came over the connection is not RESP, or not the kind of answer that was due.
var errProtocol = errors.New("the server's answer makes no sense to a redis client")

// sideError says on which server something went wrong.
type sideError struct {
	slice   deploy.Slice
	address string
	err     error
}

func (e *sideError) Error() string {
	return fmt.Sprintf("redis of %s at %s: %v", e.slice, e.address, e.err)
}

func (e *sideError) Unwrap() error { return e.err }

// fail names the server in err. A canceled context is told as such, and not as the connection that broke by it.
func (s *server) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var known *sideError
	if errors.As(err, &known) {
		return err
	}
	if why := ended(ctx); why != nil {
		err = why
	}
	return &sideError{slice: s.slice, address: s.address, err: err}
}

// ended returns why a context has ended, or nil. A connection may see its deadline a moment before the context does.
func ended(ctx context.Context) error {
	if ctx == nil {
		return nil
	}
	if deadline, has := ctx.Deadline(); has && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return context.Cause(ctx)
}

// reply returns what the server answered, if err is an answer of it to a connection of ours or of the client library.
func reply(err error) (text string, is bool) {
	var own replyError
	var theirs redis.Error
	switch {
	case errors.Is(err, redis.Nil): // the library's error for nothing there
	case errors.As(err, &own):
		return string(own), true
	case errors.As(err, &theirs):
		return theirs.Error(), true
	}
	return "", false
}

// isReply tells an answer of the server, after which the conversation can go on, from a broken connection.
func isReply(err error) bool {
	_, is := reply(err)
	return is
}

// refusedAs tells whether err is an answer of the server that begins with one of the codes.
func refusedAs(err error, codes ...string) bool {
	text, is := reply(err)
	return is && slices.ContainsFunc(codes, func(code string) bool { return strings.HasPrefix(text, code) })
}

// startedAnew tells whether a server refuses because it has just started: it loads its data, or does not know yet the user
// that passes its fence.
func startedAnew(err error) bool { return refusedAs(err, "LOADING", "WRONGPASS") }

// hinted adds to an error what a person can do about it, where that is known.
func hinted(err error) error {
	var side *sideError
	var known *deploy.HintedError
	if err == nil || errors.As(err, &known) || !errors.As(err, &side) {
		return err
	}
	if next := nextStep(side); next != "" {
		return &deploy.HintedError{Err: err, Next: next}
	}
	return err
}

func nextStep(e *sideError) string {
	setting := "data." + string(e.slice)
	switch err := e.err; {
	case errors.Is(err, context.Canceled):
		return ""
	case refusedAs(err, "NOAUTH"):
		return fmt.Sprintf("the server wants a password: set %s.password", setting)
	case refusedAs(err, "WRONGPASS", "ERR invalid password", "ERR AUTH"):
		return fmt.Sprintf("check %s.username and %s.password against the server's requirepass or ACL", setting, setting)
	case refusedAs(err, "NOPERM"):
		return fmt.Sprintf("allow the user its commands and keys with ACL SETUSER, e.g. +@all ~%s* and ~ of each selected key", ownPrefix)
	case refusedAs(err, "OOM", "EXECABORT"):
		return fmt.Sprintf("give the redis of %s more memory (CONFIG SET maxmemory) or remove what it does not need", e.slice)
	case refusedAs(err, "LOADING", "BUSY"):
		return "wait until the server answers commands again and repeat"
	case refusedAs(err, "MISCONF"):
		return "the server cannot save to disk and refuses writes: see its log, mend the disk and repeat"
	case refusedAs(err, "NOREPLICAS"):
		return fmt.Sprintf("give the redis of %s the replicas that its min-replicas-to-write asks for, or lower that", e.slice)
	case refusedAs(err, "READONLY"):
		return fmt.Sprintf("point %s at the primary server, not at a replica", setting)
	case refusedAs(err, "ERR DB index", "ERR invalid DB index", "ERR SELECT"):
		return fmt.Sprintf("check %s.db against the server's number of databases", setting)
	case isReply(err):
		return ""
	}
	return nextStepOfConnection(e.err, e.slice, setting)
}

func nextStepOfConnection(err error, slice deploy.Slice, setting string) string {
	var dial *net.OpError
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &record), errors.Is(err, errHandshake) && errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("the server does not speak TLS there: remove %s.tls or check its port", setting)
	case errors.As(err, &certificate):
		return fmt.Sprintf("check the CA and server name in %s.tls", setting)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Sprintf("check that the redis of %s runs and that %s points at it", slice, setting)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &dial):
		return fmt.Sprintf("see the log of the redis of %s; if it speaks TLS alone, set %s.tls", slice, setting)
	}
	return ""
}

// shown quotes a key for people; long and binary names stay readable.
func shown(key string) string {
	if len(key) > 80 {
		return fmt.Sprintf("%q...", key[:80])
	}
	return fmt.Sprintf("%q", key)
}
