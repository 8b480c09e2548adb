package e2e

import (
	"testing"

	"verdigris/deploy"
)

func TestABadPushDoesNotCostTheWayBack(t *testing.T) {
	t.Parallel()
	s := goodSite(t)
	s.want(s.push(s.commit("the second version")), deploy.StateSucceeded)
	s.serves(deploy.Green)

	s.restart(deadline("4s"))
	d := s.want(s.push(s.misfit("500")), deploy.StateAborted)
	s.explains(d, deploy.PhaseProbe, "500")
	s.serves(deploy.Green)
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	s.serves(deploy.Blue)
}
