package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// routing is what the app's status says of its router.
func (h *house) routing() deploy.Routing {
	h.t.Helper()
	s, err := h.Status(context.Background(), "shop")
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Router
}

// says makes the router answer something else than its files.
func (h *house) says(ask func(inFiles deploy.Answer) (deploy.Answer, error)) {
	h.router.mu.Lock()
	h.router.ask = ask
	h.router.mu.Unlock()
	h.runtime.tell() // as an event of the router's container
}

func TestRouter_AnswersAnotherSliceThanItsFiles_IsRepairedWhileTheMirrorRests(t *testing.T) {
	h := newHouse(t).blueLive()
	testkit.Eventually(t, "the route is confirmed", func() bool { return h.routing().Confirmed })
	stuck := errors.New("the router does not reload")
	h.router.mu.Lock()
	h.router.apply = func(deploy.Route) error { return stuck }
	h.router.mu.Unlock()
	h.says(func(deploy.Answer) (deploy.Answer, error) {
		return deploy.Answer{Slice: deploy.Green, Loaded: true}, nil
	})

	testkit.Eventually(t, "the mirror rests", func() bool { return strings.Contains(h.data.resting(), "green") })
	if r := h.routing(); r.Confirmed || !strings.Contains(r.Reason, "the router does not reload") && !strings.Contains(r.Reason, "its files say blue") {
		t.Errorf("the status says %+v", r)
	}
	h.router.mu.Lock()
	h.router.apply, h.router.calls = nil, nil
	h.router.mu.Unlock()
	h.says(nil)
	testkit.Eventually(t, "the route is confirmed again", func() bool { return h.routing().Confirmed && h.data.resting() == "" })
	equal(t, "live", h.live(), "blue a")
}

func TestRouter_DoesNotAnswer_IsToldAndLeftAlone(t *testing.T) {
	h := newHouse(t).blueLive()
	testkit.Eventually(t, "the route is confirmed", func() bool { return h.routing().Confirmed })
	h.router.mu.Lock()
	h.router.calls = nil
	h.router.mu.Unlock()
	h.says(func(deploy.Answer) (deploy.Answer, error) { return deploy.Answer{}, errors.New("it stands still") })
	testkit.Eventually(t, "the mirror rests", func() bool { return strings.Contains(h.data.resting(), "it stands still") })
	equal(t, "calls of the router", h.router.called(), "")
	h.says(nil)
	testkit.Eventually(t, "the mirror goes on", func() bool { return h.data.resting() == "" })
}

func TestStart_RouterDoesNotConfirm_NoMirrorBeforeItDoes(t *testing.T) {
	h := newHouse(t).blueLive()
	h.stop()
	h.router.mu.Lock()
	h.router.apply = func(deploy.Route) error { return errors.New("nginx stands still") }
	h.router.ask = func(deploy.Answer) (deploy.Answer, error) { return deploy.Answer{}, errors.New("nobody answers") }
	h.router.mu.Unlock()
	h.data.mu.Lock()
	h.data.rests = nil
	h.data.mu.Unlock()
	h.start()
	testkit.Eventually(t, "the mirror of blue is wanted", func() bool { return strings.Contains(h.data.called(), "mirror:blue") })
	h.data.mu.Lock()
	for i, reason := range h.data.rests {
		if reason == "" {
			t.Errorf("reason %d of %q let the mirror write", i, h.data.rests)
		}
	}
	if len(h.data.rests) == 0 {
		t.Error("nothing keeps the mirror from writing")
	}
	h.data.mu.Unlock()
	h.router.mu.Lock()
	h.router.apply = nil
	h.router.mu.Unlock()
	h.says(func(inFiles deploy.Answer) (deploy.Answer, error) {
		inFiles.Loaded = strings.Contains(h.router.called(), "apply:blue") // what it was started with is not what the files say
		return inFiles, nil
	})
	testkit.Eventually(t, "the route is confirmed", func() bool { return h.routing().Confirmed && h.data.resting() == "" })
}

func TestStatus_SaysWhoHasTheAddressesOfTheRoute(t *testing.T) {
	h := newHouse(t).blueLive()
	r := h.routing()
	if len(r.Endpoints) != 1 || r.Endpoints[0].Container != "blue-web-1" || r.Endpoints[0].Slice != deploy.Blue {
		t.Errorf("at the addresses are %+v", r.Endpoints)
	}
}

func TestFence_OfTheSliceThatWasLeft_IsThereWhileItRunsWhatItRanThen(t *testing.T) {
	h := newHouse(t).blueLive()
	equal(t, "a second release", string(h.deploy("", commitB, true).State), "succeeded")
	testkit.Eventually(t, "blue is to be fenced", func() bool { return h.data.isFenced() == deploy.Blue })

	h.data.Fence("") // to see whether it comes again
	equal(t, "a third release", string(h.deploy(deploy.Blue, commitC, false).State), "succeeded")
	h.runtime.tell()
	testkit.Eventually(t, "verdigris has looked", func() bool { return h.routing().Confirmed })
	if slice := h.data.isFenced(); slice != "" {
		t.Errorf("%s is to be fenced, which runs a release that gets ready", slice)
	}
}
