package e2e

import (
	"testing"

	"verdigris/deploy"
)

func TestABadPushDoesNotCostTheWayBack(t *testing.T) {
	s := newSite(t)
	s.replace("verdigris.yml", "deadline: 15s", "deadline: 4s")
	s.stop(15)
	s.start()
	s.blueLive()
	s.want(s.push(s.commit("the second version")), deploy.StateSucceeded)
	s.serves(deploy.Green)

	d := s.want(s.push(s.misfit("500")), deploy.StateAborted)
	s.explains(d, deploy.PhaseProbe, "500")
	s.serves(deploy.Green)
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.serves(deploy.Blue)
}
