package redisync

import (
	"reflect"
)

// streamPage is how many entries of a stream, or of a group's pending list, are compared at a time.
const streamPage = 200

// sameStream compares streams whose payloads differ, as they do between versions of redis: the last id, all
// entries, and of each group its position, its consumers and what they have not acknowledged. When an entry was
// delivered is left out, since redis tells it as an age.
func (p *pair) sameStream(key string) (bool, error) {
	if same, err := p.sameFacts([]any{"XINFO", "STREAM", key}, "length", "last-generated-id", "groups"); err != nil || !same {
		return false, err
	}
	same, err := p.samePages(func(after string) []any { return []any{"XRANGE", key, after, "+", "COUNT", streamPage} }, -1)
	if err != nil || !same {
		return false, err
	}
	groups, err := p.ask(p.from.side, "XINFO", "GROUPS", key)
	if err != nil {
		return false, err
	}
	same, err = p.sameFacts([]any{"XINFO", "GROUPS", key}, "name", "consumers", "pending", "last-delivered-id")
	for _, group := range groups {
		if err != nil || !same {
			break
		}
		same, err = p.sameGroup(key, factsOf(group)["name"])
	}
	return same, err
}

func (p *pair) sameGroup(key string, group any) (bool, error) {
	if same, err := p.sameFacts([]any{"XINFO", "CONSUMERS", key, group}, "name", "pending"); err != nil || !same {
		return false, err
	}
	const age = 2 // id, consumer, milliseconds since the delivery, number of deliveries
	return p.samePages(func(after string) []any { return []any{"XPENDING", key, group, after, "+", streamPage} }, age)
}

// sameFacts compares the named facts in both sides' answers: one list of names and values, or several.
func (p *pair) sameFacts(command []any, names ...string) (bool, error) {
	a, b, err := p.askClients(command)
	if err != nil {
		return false, err
	}
	pick := func(answer []any) (picked []any) {
		lists := answer
		if len(answer) > 0 {
			if _, several := answer[0].([]any); !several {
				lists = []any{answer}
			}
		}
		for _, list := range lists {
			for _, name := range names {
				picked = append(picked, factsOf(list)[name])
			}
		}
		return picked
	}
	return reflect.DeepEqual(pick(a), pick(b)), nil
}

// samePages compares lists page by page. Each item begins with its id, after which the next page starts; the part
// with the number leftOut is not compared.
func (p *pair) samePages(page func(after string) []any, leftOut int) (bool, error) {
	for after := "-"; ; {
		a, b, err := p.askClients(page(after))
		if err != nil {
			return false, err
		}
		for _, items := range [][]any{a, b} {
			for _, item := range items {
				if parts, ok := item.([]any); ok && 0 <= leftOut && leftOut < len(parts) {
					parts[leftOut] = nil
				}
			}
		}
		if !reflect.DeepEqual(a, b) || len(a) == 0 {
			return len(a) == len(b) && len(a) == 0, nil
		}
		last, _ := a[len(a)-1].([]any)
		if len(last) == 0 {
			return false, p.from.fail(errProtocol)
		}
		id, _ := last[0].(string)
		after = "(" + id
	}
}

func (p *pair) askClients(command []any) (a, b []any, err error) {
	if a, err = p.ask(p.from.side, command...); err != nil {
		return nil, nil, err
	}
	b, err = p.ask(p.to.side, command...)
	return a, b, err
}

func (p *pair) ask(s *server, command ...any) ([]any, error) {
	answer, err := s.client.Do(p.from.ctx, command...).Slice()
	return answer, s.fail(p.from.ctx, err)
}

// factsOf reads a list of names and values.
func factsOf(list any) map[string]any {
	facts := map[string]any{}
	items, _ := list.([]any)
	for i := 0; i+1 < len(items); i += 2 {
		if name, ok := items[i].(string); ok {
			facts[name] = items[i+1]
		}
	}
	return facts
}
