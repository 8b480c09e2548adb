package webhooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
)

// payload returns the JSON document in a body: the body itself, or the form field named payload.
func payload(contentType string, body []byte) ([]byte, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, &MediaTypeError{contentType}
	}
	switch media {
	case "application/json":
		return body, nil
	case "application/x-www-form-urlencoded":
		return formPayload(body)
	}
	return nil, &MediaTypeError{contentType}
}

// formPayload cuts the field out by hand: url.ParseQuery would copy a body of many megabytes twice, and would
// take the first of two payloads where the form must have one.
func formPayload(body []byte) ([]byte, error) {
	var found []byte
	for field := range bytes.SplitSeq(body, []byte("&")) {
		value, ok := bytes.CutPrefix(field, []byte("payload="))
		if !ok {
			continue
		}
		if found != nil {
			return nil, &PayloadError{"the form has more than one field named payload"}
		}
		found = value
	}
	if found == nil {
		return nil, &PayloadError{"the form has no field named payload"}
	}
	text, err := url.QueryUnescape(string(found))
	if err != nil {
		return nil, &PayloadError{"the form field payload is not well escaped"}
	}
	return []byte(text), nil
}

// decode reads one JSON object into v. Fields that v does not have are skipped: forges add some every year.
func decode(document []byte, v any) error {
	if trimmed := bytes.TrimLeft(document, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return &PayloadError{"it is not a JSON object"}
	}
	err := json.Unmarshal(document, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &PayloadError{fmt.Sprintf("field %q holds a JSON %s", clip(wrong.Field, 100), wrong.Value)}
	}
	if err != nil {
		return &PayloadError{"it is not JSON: " + clip(err.Error(), 200)}
	}
	return nil
}
