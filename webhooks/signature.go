package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

const signaturePrefix = "sha256="

// Sign returns the value of GitHub's X-Hub-Signature-256 header: "sha256=" and the HMAC-SHA256 of the raw body in
// 64 hexadecimal digits (docs.github.com, "Validating webhook deliveries").
func Sign(secret string, body []byte) string {
	return signaturePrefix + hex.EncodeToString(sum([]byte(secret), body))
}

// secrets are the keys that a signature may be made with: one, or several while a secret is being rotated.
type secrets [][]byte

var errEmptySecret = errors.New("a webhook secret is empty: everybody could sign with it")

// newSecrets refuses blank secrets, because a variable that was not set would let anybody in.
func newSecrets(values []string) (*secrets, error) {
	if len(values) == 0 {
		return nil, errors.New("a webhook needs at least one secret")
	}
	keys := make(secrets, len(values))
	for i, value := range values {
		if strings.TrimSpace(value) == "" {
			return nil, errEmptySecret
		}
		keys[i] = []byte(value)
	}
	return &keys, nil
}

// verify tells whether mac signs body with one of the secrets. It tries all of them, so that the time it takes
// does not say which one matched.
func (s *secrets) verify(mac, body []byte) bool {
	match := 0
	for _, key := range *s {
		match |= subtle.ConstantTimeCompare(mac, sum(key, body))
	}
	return match == 1
}

// parseSignature reads "sha256=" and exactly 64 hexadecimal digits. A header that is given twice is malformed:
// a proxy in between could otherwise decide which of the two counts.
func parseSignature(values []string) ([]byte, error) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return nil, &SignatureError{SignatureMissing}
	}
	digits, ok := strings.CutPrefix(values[0], signaturePrefix)
	if !ok || len(values) > 1 || len(digits) != hex.EncodedLen(sha256.Size) {
		return nil, &SignatureError{SignatureMalformed}
	}
	mac, err := hex.DecodeString(digits)
	if err != nil {
		return nil, &SignatureError{SignatureMalformed}
	}
	return mac, nil
}

func sum(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}
