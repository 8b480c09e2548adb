package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/pkg/jsonmessage"
)

// eachMessage reads the engine's stream of messages to its end. An error in the stream is the error of what the engine
// was asked to do.
func eachMessage(body io.Reader, do func(jsonmessage.JSONMessage)) error {
	decoder := json.NewDecoder(body)
	for {
		var m jsonmessage.JSONMessage
		err := decoder.Decode(&m)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read the engine's answer: %w", err)
		case m.Error != nil:
			return errors.New(m.Error.Message)
		}
		do(m)
	}
}
