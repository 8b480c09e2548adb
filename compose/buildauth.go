package compose

import (
	"context"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// buildAuth gives the credentials for the registries of base images to BuildKit, one by one as it asks for them. Tokens
// are fetched by the engine: what else the protocol has is for keeping credentials from it.
type buildAuth struct {
	auth.UnimplementedAuthServer
	engine *Engine
}

// buildAuth returns what a build's session offers about registries.
func (e *Engine) buildAuth() session.Attachable { return &buildAuth{engine: e} }

// Register makes the answers a part of the session.
func (a *buildAuth) Register(server *grpc.Server) { auth.RegisterAuthServer(server, a) }

// Credentials answers the engine's question for one registry; an empty answer means that there are none.
func (a *buildAuth) Credentials(ctx context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	logins, err := a.engine.logins()
	if err != nil {
		return nil, err
	}
	found, err := logins.of(ctx, keyOf(request.Host))
	if err != nil {
		return nil, err
	}
	if found.IdentityToken != "" { // without a user's name it is taken for a token
		return &auth.CredentialsResponse{Secret: found.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: found.Username, Secret: found.Password}, nil
}
