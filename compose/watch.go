package compose

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"verdigris/deploy"
)

// watched are the events after which containers may answer elsewhere, or not at all. The Engine is asked for these alone,
// since a healthcheck makes three events each time that it runs.
var watched = map[events.Type][]events.Action{
	events.ContainerEventType: {
		events.ActionStart, events.ActionDie, events.ActionOOM, events.ActionHealthStatus, events.ActionPause,
		events.ActionUnPause, events.ActionDestroy, events.ActionRename,
	},
	events.NetworkEventType: {events.ActionConnect, events.ActionDisconnect, events.ActionDestroy},
}

// rejoinPauses are the pauses between attempts to follow the Engine's events after the stream has ended; the last one is
// kept to.
var rejoinPauses = []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second, 2 * time.Second}

// Watch calls changed whenever something may have changed about the app's containers: one has started, died, run out of
// memory, changed its health or its networks. It calls it as well each time that it has joined the Engine's event stream
// (GET /events of the Engine API), since nobody knows what happened before. It returns when ctx ends; changed must not
// block.
func (r *Runtime) Watch(ctx context.Context, changed func()) {
	for failures := 0; ctx.Err() == nil; {
		joined := r.watchStream(ctx, changed)
		if joined {
			failures = 0
		}
		if pause(ctx, rejoinPauses[min(failures, len(rejoinPauses)-1)]) != nil {
			return
		}
		failures++
	}
}

// watchStream follows one stream to its end and reports whether the Engine had opened it.
func (r *Runtime) watchStream(ctx context.Context, changed func()) (joined bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The client returns when the Engine has answered or refused.
	messages, ended := r.engine.client.Events(ctx, events.ListOptions{Filters: watchFilters()})
	mine, err := r.containerIDs(ctx)
	if err != nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		changed()
	}
	for {
		select {
		case <-ended:
			return true
		case m := <-messages:
			if r.concerns(m, mine) {
				changed()
			}
		}
	}
}

func watchFilters() filters.Args {
	args := filters.NewArgs()
	for kind, actions := range watched {
		args.Add("type", string(kind))
		for _, action := range actions {
			args.Add("event", string(action))
		}
	}
	return args
}

// containerIDs are the ids of all containers of the app. The events of networks name containers by nothing else.
func (r *Runtime) containerIDs(ctx context.Context) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, project := range r.settings.projects() {
		list, err := r.engine.containersOf(ctx, project)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			ids[c.id] = true
		}
	}
	return ids, nil
}

// concerns reports whether an event is about the app, and keeps the ids of its containers up to date.
func (r *Runtime) concerns(m events.Message, mine map[string]bool) bool {
	if m.Type == events.NetworkEventType {
		// A network that is gone had no container left in it; its name says whose it was.
		return mine[m.Actor.Attributes["container"]] || strings.HasPrefix(m.Actor.Attributes["name"], r.settings.App+"-")
	}
	if !slices.Contains(r.settings.projects(), m.Actor.Attributes[labelProject]) {
		return false
	}
	if m.Action == events.ActionDestroy {
		delete(mine, m.Actor.ID)
	} else {
		mine[m.Actor.ID] = true
	}
	return true
}

// projects are the Compose projects of the app.
func (s Settings) projects() []string {
	all := []string{s.SharedProject()}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green, deploy.Staging} {
		all = append(all, s.Project(slice))
	}
	return all
}
