package redisync

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const secret = "p4ssw0rd-that-must-not-show"

// requireRefusal begins a transfer that must be refused, with an error that contains the words and has a next step.
func requireRefusal(t *testing.T, d *Data, words ...string) {
	t.Helper()
	session, err := d.Begin(t.Context(), deploy.Blue, deploy.Green)
	if err == nil {
		session.Close()
		t.Fatal("Begin found nothing wrong")
	}
	requireExplained(t, err, words...)
}

func requireExplained(t *testing.T, err error, words ...string) {
	t.Helper()
	var hint *deploy.HintedError
	if !errors.As(err, &hint) || hint.Next == "" {
		t.Fatalf("the error has no next step: %v", err)
	}
	text := err.Error() + " -> " + hint.Next
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
	if strings.Contains(text, secret) {
		t.Errorf("%q gives the password away", text)
	}
}

func TestAServerThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	from := startRedis(t)
	nowhere := fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	there, gone := Side{Address: At(from.address)}, Side{Address: At(nowhere)}
	requireRefusal(t, newDataOf(t, there, gone, "a"), "green", nowhere, "refused", "check that the redis of green runs")
	requireRefusal(t, newDataOf(t, gone, there, "a"), "blue", nowhere, "check that the redis of blue runs")
}

func TestAnAddressThatCannotBeFoundIsAnError(t *testing.T) {
	t.Parallel()
	from := startRedis(t)
	lost := Side{Address: func(context.Context) (string, error) { return "", errors.New("the container is gone") }}
	_, err := newDataOf(t, Side{Address: At(from.address)}, lost, "a").Begin(t.Context(), deploy.Blue, deploy.Green)
	if err == nil || !strings.Contains(err.Error(), "green") || !strings.Contains(err.Error(), "the container is gone") {
		t.Errorf("Begin returned %v", err)
	}
}

func TestTheAddressIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	from, first, second := startRedis(t), startRedis(t), startRedis(t)
	from.do(t, "SET", "a", "1")
	now := first.address
	moving := Side{Address: func(context.Context) (string, error) { return now, nil }}
	d := newDataOf(t, Side{Address: At(from.address)}, moving, "a")
	move(t, d)
	now = second.address
	move(t, d)
	requireEqual(t, from, first)
	requireEqual(t, from, second)
}

func TestPasswordsAreCheckedAndNeverShown(t *testing.T) {
	t.Parallel()
	from := startRedis(t)
	to := startServer(t, program(t, "redis-server"), &redis.Options{Password: secret}, "--requirepass", secret)
	plain := Side{Address: At(from.address)}
	requireRefusal(t, newDataOf(t, plain, Side{Address: At(to.address)}, "a"), "green", to.address, "NOAUTH", "set data.green.password")
	requireRefusal(t, newDataOf(t, plain, Side{Address: At(to.address), Password: secret + "x"}, "a"), "WRONGPASS", "data.green.password")
	from.do(t, "SET", "a", "1")
	move(t, newDataOf(t, plain, Side{Address: At(to.address), Password: secret}, "a"))
	requireEqual(t, from, to)
}

func TestASideIsPrintedWithoutItsPassword(t *testing.T) {
	side := Side{Username: "app", Password: secret}
	settings := Settings{Sides: map[deploy.Slice]Side{deploy.Blue: side}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("side", "side", side)
	for _, text := range []string{fmt.Sprint(side), fmt.Sprintf("%+v", side), fmt.Sprintf("%#v", side),
		fmt.Sprintf("%+v", settings), fmt.Sprintf("%#v", settings), log.String()} {
		if strings.Contains(text, secret) || !strings.Contains(text, "hidden") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestWhatAUserMayNotDoIsListed(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	to.do(t, "ACL", "SETUSER", "app", "on", ">"+secret, "~*", "+@all", "-restore", "-rename")
	side := Side{Address: At(to.address), Username: "app", Password: secret}
	requireRefusal(t, newDataOf(t, Side{Address: At(from.address)}, side, "a"), "green", "RESTORE, RENAME", "NOPERM", "ACL SETUSER")
	to.do(t, "ACL", "SETUSER", "app", "+restore", "+rename", "resetkeys", "~images")
	requireRefusal(t, newDataOf(t, Side{Address: At(from.address)}, side, "images"), "green", "RPUSH", "NOPERM", ownPrefix)
}

func TestAUserWithNoMoreThanItTakesIsEnough(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t)
	for _, s := range []*testServer{from, to} {
		s.do(t, "ACL", "SETUSER", "app", "on", ">"+secret, "~images", "~__verdigris:*", "+@read", "+@write", "+@transaction",
			"+@connection", "+info", "+restore", "+dump", "+memory|usage", "+scan", "+time", "+pexpiretime")
	}
	pushList(t, from, "images", 20_000, 50)
	side := func(s *testServer) Side {
		return Side{Address: At(s.address), Username: "app", Password: secret}
	}
	move(t, newDataOf(t, side(from), side(to), "images"))
	requireEqual(t, from, to)
}

func TestAnotherDatabaseOfTheSameServerServes(t *testing.T) {
	t.Parallel()
	s := startRedis(t)
	s.do(t, "SET", "a", "1")
	move(t, newDataOf(t, Side{Address: At(s.address)}, Side{Address: At(s.address), DB: 3}, "a"))
	other := redis.NewClient(&redis.Options{Addr: s.address, DB: 3})
	defer other.Close()
	if got := other.Get(t.Context(), "a").Val(); got != "1" {
		t.Errorf("database 3 has %q", got)
	}
}

func TestServersBetweenWhichNothingCanMoveAreRefused(t *testing.T) {
	t.Parallel()
	from := startRedis(t)
	same := Side{Address: At(from.address)}
	requireRefusal(t, newDataOf(t, same, same, "a"), "green", "same server and database", "blue")
	requireRefusal(t, newDataOf(t, same, Side{Address: At(from.address), DB: 99}, "a"), "DB index", "data.green.db")

	cluster := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(testkit.FreePort(t)))
	requireRefusal(t, newData(t, from, cluster, "a"), "green", "cluster mode")
	requireRefusal(t, newData(t, cluster, from, "a"), "blue", "cluster mode")

	replica := startRedis(t, "--replicaof", "127.0.0.1 "+strings.TrimPrefix(from.address, "127.0.0.1:"))
	requireRefusal(t, newData(t, from, replica, "a"), "green", "replica", "REPLICAOF NO ONE")
}

func TestATargetWithoutRoomIsRefused(t *testing.T) {
	t.Parallel()
	from, to := startRedis(t), startRedis(t, "--maxmemory", "3mb")
	pushList(t, from, "images", 20_000, 100)
	requireRefusal(t, newData(t, from, to, "images"), "green", "maxmemory", "3 MB", "raise maxmemory")
	to.do(t, "CONFIG", "SET", "maxmemory", "64mb")
	d := newData(t, from, to, "images")
	move(t, d)
	move(t, d) // what is replaced makes room
	requireEqual(t, from, to)
}

func TestTLSIsSpokenAndItsAbsenceExplained(t *testing.T) {
	t.Parallel()
	from := startRedis(t)
	certificate := newCertificate(t)
	to, address := startWithTLS(t, certificate)
	plain := Side{Address: At(from.address)}
	everything(t, from, "")
	move(t, newDataOf(t, plain, Side{Address: At(address), TLS: &tls.Config{RootCAs: certificate.pool}}, "*"))
	requireEqual(t, from, to)
	requireRefusal(t, newDataOf(t, plain, Side{Address: At(address)}, "*"), "green", "set data.green.tls")
	requireRefusal(t, newDataOf(t, plain, Side{Address: At(to.address), TLS: &tls.Config{RootCAs: certificate.pool}}, "*"), "does not speak TLS")
	requireRefusal(t, newDataOf(t, plain, Side{Address: At(address), TLS: &tls.Config{}}, "*"), "certificate", "CA")
}

func TestSettingsThatCannotBeMeantAreRefused(t *testing.T) {
	good := map[deploy.Slice]Side{deploy.Blue: {Address: At("a:1")}, deploy.Green: {Address: At("b:1")}}
	for words, settings := range map[string]Settings{
		"is empty":             {Keys: []string{""}, Sides: good},
		"verdigris itself":     {Keys: []string{"__verdigris:tmp:a"}, Sides: good},
		"green has no address": {Keys: []string{"a"}, Sides: map[deploy.Slice]Side{deploy.Blue: {Address: At("a:1")}}},
		"no password":          {Sides: map[deploy.Slice]Side{deploy.Blue: {Address: At("a:1"), Username: "u"}, deploy.Green: {Address: At("b:1")}}},
		"database number -1":   {Sides: map[deploy.Slice]Side{deploy.Blue: {Address: At("a:1"), DB: -1}, deploy.Green: {Address: At("b:1")}}},
	} {
		var input *deploy.InputError
		if _, err := New(settings); !errors.As(err, &input) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: New returned %v", words, err)
		}
	}
	d, err := New(Settings{Sides: good})
	testkit.Must(t, err)
	for _, to := range []deploy.Slice{deploy.Blue, deploy.Staging, ""} {
		var input *deploy.InputError
		if _, err := d.Begin(t.Context(), deploy.Blue, to); !errors.As(err, &input) {
			t.Errorf("Begin to %q returned %v", to, err)
		}
	}
}

func TestURLsAreReadAndTheirPasswordsKept(t *testing.T) {
	side, err := ParseURL("rediss://app:" + secret + "@redis.example:6380/2")
	testkit.Must(t, err)
	address, _ := side.Address(t.Context())
	if address != "redis.example:6380" || side.Username != "app" || side.Password != secret || side.DB != 2 || side.TLS == nil {
		t.Errorf("read %v at %s", side, address)
	}
	for _, bad := range []string{"http://u:" + secret + "@h", "redis://u:" + secret + "@h:1/x", "redis://u:" + secret + "%zz@h", "redis://u:" + secret + "/x@h", "unix://u:" + secret + "@/tmp/s"} {
		if _, err := ParseURL(bad); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("ParseURL returned %v", err)
		}
	}
}
