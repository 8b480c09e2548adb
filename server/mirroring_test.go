package server_test

import (
	"errors"
	"net/http"
	"testing"

	"verdigris/deploy"
)

func TestTheMirrorIsSwitchedAndAskedFor(t *testing.T) {
	s := start(t)
	s.request("GET", "/mirroring", "").want(200, `"on":true`, `"state":"broken"`)
	s.request("GET", "/apps/blog/mirroring", "").want(200)
	s.request("PUT", "/mirroring", `{"on":false}`).want(200, `"on":false`)
	if got := s.controller.last(); got != (mirrorSet{"shop", deploy.MirrorRequest{}}) {
		t.Errorf("asked for %+v", got)
	}
	s.request("PUT", "/apps/shop/mirroring", `{"on":true,"from":"green"}`).want(200)
	if got := s.controller.last(); got != (mirrorSet{"shop", deploy.MirrorRequest{On: true, From: deploy.Green}}) {
		t.Errorf("asked for %+v", got)
	}
	s.request("PUT", "/apps/blog/mirroring", `{"on":true}`).want(200)
	if got := s.controller.last(); got != (mirrorSet{"blog", deploy.MirrorRequest{On: true}}) {
		t.Errorf("asked for %+v", got)
	}
}

func TestASwitchOfTheMirrorMustSayToWhat(t *testing.T) {
	s := start(t)
	for _, body := range []string{"", "{}", `{"on":null}`} {
		s.request("PUT", "/mirroring", body).want(400, "must say what to switch to")
	}
	s.request("PUT", "/mirroring", `{"on":"yes"}`).want(400, "on")
	s.request("PUT", "/mirroring", `{"off":true}`).want(400, "off")
	s.request("PUT", "/apps/nobody/mirroring", `{"on":true}`).want(404, "no such app")
	s.request("PUT", "/mirroring", `{"on":true}`, "Authorization:").want(http.StatusUnauthorized)
	s.request("POST", "/mirroring", `{"on":true}`).want(http.StatusMethodNotAllowed)
	s.controller.err = &deploy.ConflictError{Reason: "shop has no data to mirror", Next: "name the keys"}
	s.request("PUT", "/mirroring", `{"on":true}`).want(409, "no data to mirror", "name the keys")
	s.request("GET", "/mirroring", "").want(409, "no data to mirror")
	s.controller.err = errors.New("disk full")
	s.request("PUT", "/mirroring", `{"on":true}`).want(500)
}
