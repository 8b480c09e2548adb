package webhooks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"verdigris/deploy"
)

// GitHub receives deliveries of github.com and GitHub Enterprise Server.
type GitHub struct {
	// Now is the clock for Push.ReceivedAt; time.Now unless set.
	Now func() time.Time

	secrets *secrets // a pointer, so that printing a GitHub prints no secret
}

var _ Receiver = (*GitHub)(nil)

// NewGitHub returns a receiver that takes deliveries signed with any of the secrets: the one that the webhook has
// at GitHub, and during a rotation the one before it. It refuses an empty secret, and none at all.
func NewGitHub(secrets ...string) (*GitHub, error) {
	keys, err := newSecrets(secrets)
	if err != nil {
		return nil, fmt.Errorf("set up GitHub webhook: %w", err)
	}
	return &GitHub{Now: time.Now, secrets: keys}, nil
}

// Receive verifies and reads one delivery, as described in GitHub's "Validating webhook deliveries" and "Webhook
// events and payloads". Nothing of the body is looked at before its signature is known to be good.
func (g *GitHub) Receive(header http.Header, body []byte) (Delivery, error) {
	mac, err := parseSignature(header.Values("X-Hub-Signature-256"))
	if err != nil {
		return Delivery{}, err
	}
	if !g.secrets.verify(mac, body) {
		return Delivery{}, &SignatureError{SignatureWrong}
	}
	d := Delivery{ID: header.Get("X-GitHub-Delivery"), Event: header.Get("X-GitHub-Event")}
	if err := checkHeaderValue("X-GitHub-Delivery", d.ID); err != nil {
		return Delivery{}, err
	}
	if err := checkHeaderValue("X-GitHub-Event", d.Event); err != nil {
		return Delivery{}, err
	}
	document, err := payload(header.Get("Content-Type"), body)
	if err != nil {
		return Delivery{}, err
	}
	switch d.Event {
	case "ping":
		return d.ping(document)
	case "push":
		return g.push(d, document)
	}
	d.Kind, d.Reason = KindIgnored, fmt.Sprintf("only push events deploy, not %q", d.Event)
	return d, nil
}

// ping answers the delivery that GitHub sends when a webhook is made, and tells when it will never send a push.
func (d Delivery) ping(document []byte) (Delivery, error) {
	var p githubPing
	if err := decode(document, &p); err != nil {
		return Delivery{}, err
	}
	d.Kind, d.Repository = KindPing, cleanName(p.Repository.FullName)
	if p.Hook.Events != nil && !slices.Contains(p.Hook.Events, "push") && !slices.Contains(p.Hook.Events, "*") {
		d.Reason = "the webhook does not send push events: choose them in its settings"
	}
	return d, nil
}

func (g *GitHub) push(d Delivery, document []byte) (Delivery, error) {
	var p githubPush
	if err := decode(document, &p); err != nil {
		return Delivery{}, err
	}
	push, err := p.push()
	if err != nil {
		return Delivery{}, err
	}
	push.Forge, push.Delivery, push.ReceivedAt = "github", d.ID, g.Now().UTC()
	d.Kind, d.Repository, d.Push = KindPush, push.Repository, push
	if push.Branch == "" && push.Tag == "" {
		d.Kind, d.Reason, d.Push = KindIgnored, fmt.Sprintf("%s is neither a branch nor a tag", push.Ref), deploy.Push{}
	}
	return d, nil
}

// checkHeaderValue refuses what GitHub never sends: an id or event name that is missing, long or not plain text.
func checkHeaderValue(name, value string) error {
	if value == "" || len(value) > 128 || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &PayloadError{fmt.Sprintf("header %s is missing or malformed", name)}
	}
	return nil
}
