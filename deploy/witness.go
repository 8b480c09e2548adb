package deploy

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// Witness is by whose word it is known who answered a request.
type Witness int

// The router says what its configuration means; the app itself says who it is.
const (
	RouterSays Witness = iota
	AppSays
)

func (w Witness) String() string {
	if w == AppSays {
		return "the release itself answers through the edge"
	}
	return "answers through the edge; the app does not say which release it is"
}

// shortestRelease is how many digits of a commit an app has to say.
const shortestRelease = 7

// WhoAnswered holds a reply against the release that should have made it: by the header of the reply, or else by what the
// app answers on its release path. It is an error that another release answered; an app that says nothing cannot be told.
func WhoAnswered(ctx context.Context, router Router, h Health, reply Reply, want Commit) (Witness, error) {
	said := strings.TrimSpace(reply.Release)
	switch {
	case want == "":
		return RouterSays, nil
	case said != "":
		if len(said) >= shortestRelease && strings.HasPrefix(string(want), said) || strings.HasPrefix(said, string(want)) {
			return AppSays, nil
		}
		return AppSays, fmt.Errorf("release %s answered instead of %s, as its header %s says", clip(said, 12), want.Short(), ReleaseHeader)
	case h.ReleasePath == "":
		return RouterSays, nil
	}
	reply, err := router.Get(ctx, h.ReleasePath)
	if err != nil {
		return RouterSays, err
	}
	if !bytes.Contains(reply.Body, []byte(clip(string(want), shortestRelease))) {
		return AppSays, fmt.Errorf("the answer to %s does not contain release %s, so that another one has answered: %q", h.ReleasePath, want.Short(), clip(string(reply.Body), 80))
	}
	return AppSays, nil
}
