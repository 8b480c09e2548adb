package compose

import (
	"errors"
	"fmt"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	dockerimage "github.com/docker/docker/api/types/image"

	"verdigris/deploy"
)

// checkPullPolicy refuses a pull_policy that there is not, and a pull_refresh_after that nothing uses.
func checkPullPolicy(b *blueprint, s types.ServiceConfig) error {
	_, _, err := pullPolicy(s)
	switch {
	case err == nil:
		return nil
	case s.PullRefreshAfter != "":
		return b.refuse(s, "pull_refresh_after", s.PullRefreshAfter, err.Error())
	}
	return b.refuse(s, "pull_policy", s.PullPolicy, err.Error())
}

// pullPolicy returns the service's policy, and for how long an image is fresh where the policy is refresh. See the
// Compose specification, section pull_policy.
func pullPolicy(s types.ServiceConfig) (policy string, fresh time.Duration, err error) {
	switch {
	case s.PullRefreshAfter == "":
	case s.PullPolicy != types.PullPolicyRefresh:
		return "", 0, errors.New("it goes with pull_policy: refresh alone")
	default:
		s.PullPolicy = "every_" + s.PullRefreshAfter // the same units
	}
	policy, fresh, err = s.GetPullPolicy()
	if err != nil {
		return "", 0, errors.New("a time between pulls is written like 12h or 1w2d")
	}
	return policy, fresh, nil
}

// pullDue tells whether the service's image is fetched from its registry, given what the engine has of it, which may be
// nil. A policy of build never pulls.
func pullDue(s types.ServiceConfig, have *dockerimage.InspectResponse, now time.Time) (bool, error) {
	policy, fresh, err := pullPolicy(s)
	if err != nil {
		return false, fmt.Errorf("pull_policy %q: %w", s.PullPolicy, err)
	}
	switch policy {
	case types.PullPolicyAlways:
		return true, nil
	case types.PullPolicyNever, types.PullPolicyBuild:
		if have == nil {
			return false, &deploy.HintedError{
				Err:  fmt.Errorf("image %s is not on this machine, and its pull_policy is %s", s.Image, policy),
				Next: "build or load the image, or take the pull_policy out of the compose file",
			}
		}
		return false, nil
	case types.PullPolicyRefresh:
		return have == nil || now.After(have.Metadata.LastTagTime.Add(fresh)), nil
	}
	return have == nil, nil
}
