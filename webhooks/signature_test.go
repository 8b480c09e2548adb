package webhooks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The vector comes from GitHub's documentation, "Validating webhook deliveries".
func TestSignMatchesGitHubsOwnVector(t *testing.T) {
	const want = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if got := Sign("It's a Secret to Everybody", []byte("Hello, World!")); got != want {
		t.Errorf("Sign gives %s, want %s", got, want)
	}
}

func TestSignaturesThatAreNotGoodAreRefusedAs401(t *testing.T) {
	body := testdata(t, "push.json")
	good := Sign(secret, body)
	for name, c := range map[string]struct {
		values  []string
		problem SignatureProblem
	}{
		"missing":          {nil, SignatureMissing},
		"empty":            {[]string{""}, SignatureMissing},
		"prefix alone":     {[]string{"sha256="}, SignatureMalformed},
		"truncated":        {[]string{good[:len(good)-1]}, SignatureMalformed},
		"half":             {[]string{good[:len(signaturePrefix)+32]}, SignatureMalformed},
		"too long":         {[]string{good + "0"}, SignatureMalformed},
		"no prefix":        {[]string{strings.TrimPrefix(good, signaturePrefix)}, SignatureMalformed},
		"other prefix":     {[]string{"sha1=" + good[7:47]}, SignatureMalformed},
		"not hexadecimal":  {[]string{signaturePrefix + strings.Repeat("g", 64)}, SignatureMalformed},
		"two, one of them": {[]string{good, Sign("other", body)}, SignatureMalformed},
		"zeros":            {[]string{signaturePrefix + strings.Repeat("0", 64)}, SignatureWrong},
		"other secret":     {[]string{Sign("other", body)}, SignatureWrong},
		"empty secret":     {[]string{Sign("", body)}, SignatureWrong},
		"other body":       {[]string{Sign(secret, append(body[:len(body):len(body)], ' '))}, SignatureWrong},
	} {
		header := NewDelivery("push", plain, secret, body)
		header["X-Hub-Signature-256"] = c.values
		_, err := newGitHub(t).Receive(header, body)
		bad, ok := errors.AsType[*SignatureError](err)
		if !ok || bad.Problem != c.problem || bad.StatusCode() != http.StatusUnauthorized {
			t.Errorf("%s: error is %v, want %v", name, err, c.problem)
		}
	}
}

func TestSignatureIsCheckedBeforeAnythingElse(t *testing.T) {
	header := http.Header{"Content-Type": {"text/plain"}, "X-Hub-Signature-256": {Sign("other", nil)}}
	_, err := newGitHub(t).Receive(header, []byte("\x00 not JSON"))
	if _, ok := errors.AsType[*SignatureError](err); !ok {
		t.Errorf("error is %v, want one about the signature", err)
	}
}

func TestFormSignatureCoversTheRawForm(t *testing.T) {
	body := testdata(t, "push.form")
	document, err := payload(form, body)
	if err != nil {
		t.Fatal(err)
	}
	header := NewDelivery("push", form, secret, body)
	header.Set("X-Hub-Signature-256", Sign(secret, document))
	if _, err := newGitHub(t).Receive(header, body); err == nil {
		t.Error("a signature of the JSON inside the form was taken")
	}
}

func TestEverySecretCountsDuringARotation(t *testing.T) {
	g := newGitHub(t, "new", "old", "new") // the same one twice must not cancel out
	body := testdata(t, "push.json")
	for _, secret := range []string{"new", "old"} {
		if _, err := g.Receive(NewDelivery("push", plain, secret, body), body); err != nil {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
	if _, err := g.Receive(NewDelivery("push", plain, "older", body), body); err == nil {
		t.Error("a secret that is not configured was taken")
	}
}

func TestEmptySecretsAreRefusedAtConstruction(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {" \n"}, {"good", ""}} {
		if _, err := NewGitHub(secrets...); err == nil {
			t.Errorf("NewGitHub(%q) made a receiver", secrets)
		}
	}
}

func TestPrintingAReceiverShowsNoSecret(t *testing.T) {
	text := fmt.Sprintf("%v %+v %#v", *newGitHub(t), newGitHub(t), newGitHub(t))
	if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprint([]byte(secret))) {
		t.Errorf("printed as %s", text)
	}
}
