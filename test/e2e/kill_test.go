package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
	"verdigris/test/load"
)

// slowUpload is an upload that has begun and does not go on until finish, which returns how it was answered.
type slowUpload struct {
	t    testing.TB
	conn net.Conn
	rest string
}

func (s *site) slowUpload(id string) *slowUpload {
	s.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.ports["edge"])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	body := picture(id)
	fmt.Fprintf(conn, "POST /upload HTTP/1.1\r\nHost: site\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2])
	return &slowUpload{s.t, conn, body[len(body)/2:]}
}

func (u *slowUpload) finish() string {
	u.t.Helper()
	_ = u.conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(u.conn, u.rest)
	answer, err := io.ReadAll(u.conn)
	if err != nil {
		u.t.Errorf("the slow upload was not answered: %v", err)
	}
	return string(answer)
}

// step is one step of a cutover, in the middle of which verdigris is killed.
type step struct {
	phase deploy.Phase
	// prolong makes it last, from before the cutover on. reach brings the cutover there, undo lets it end.
	prolong func(s *site, live deploy.Slice) (reach func(id int64), undo func())
	moved   bool // the traffic has moved by then
}

func nothing() {}

var steps = []step{
	// The standby's redis stands still, so the slice is not healthy.
	{deploy.PhaseProbe, func(s *site, live deploy.Slice) (func(int64), func()) {
		return func(int64) {}, s.pauseRedis(live.Other())
	}, false},
	// A request that was accepted before the hold has not ended.
	{deploy.PhaseHold, func(s *site, _ deploy.Slice) (func(int64), func()) {
		u := s.slowUpload("slow-000000;")
		return func(int64) {}, func() { u.finish() }
	}, false},
	// The standby's redis stands still from the moment on at which that request ends.
	{deploy.PhaseSettle, func(s *site, live deploy.Slice) (func(int64), func()) {
		u, undo := s.slowUpload("slow-000001;"), nothing
		return func(id int64) {
			s.untilPhase(id, deploy.PhaseHold)
			undo = s.pauseRedis(live.Other())
			u.finish()
		}, func() { undo() }
	}, false},
	// The slice is watched for a second.
	{deploy.PhaseWatch, func(*site, deploy.Slice) (func(int64), func()) { return func(int64) {}, nothing }, true},
}

func (s *site) pauseRedis(slice deploy.Slice) (undo func()) {
	return testkit.Pause(s.t, s.shared("redis-"+string(slice)))
}

func TestAKillInAnyStepOfACutoverLeavesRequestsGoingOn(t *testing.T) {
	s := goodSite(t, watch("duration: 1s, interval: 100ms"))
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	book := &ledger{}
	l := load.Start(context.Background(), load.Plan{Workers: []load.Worker{s.reader(), s.reader(), s.uploader(book, "writer", 10)}})
	for _, step := range steps {
		status := s.status()
		reach, undo := step.prolong(s, status.Live)
		var d deploy.Deployment
		s.ask(http.MethodPost, "/switch", "", http.StatusAccepted, &d)
		reach(d.ID)
		s.untilPhase(d.ID, step.phase)
		s.stop(syscall.SIGKILL)
		before := l.Sent()
		testkit.Within(s.t, time.Minute, "requests go on without verdigris, killed in "+string(step.phase), func() error {
			if l.Sent() < before+50 {
				return fmt.Errorf("%d requests since", l.Sent()-before)
			}
			return nil
		})
		undo()
		s.start()
		ended := s.ended(d.ID)
		t.Logf("killed in %s: %s", ended.Phases[len(ended.Phases)-1].Phase, ended.State)
		if step.moved != (ended.State == deploy.StateSucceeded) {
			t.Errorf("killed in %s, it ended %s", step.phase, ended.State)
		}
		s.healthy()
	}
	report := l.Stop()
	if report.Failed() > 0 {
		t.Errorf("failed requests: %s", report)
	}
	status := s.status()
	s.accountFor(book, status.Live)
	s.want(s.order("/switch", ""), deploy.StateSucceeded)
}
