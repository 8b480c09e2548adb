package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// phaseError is a failure with the phase in which it happened.
type phaseError struct {
	Phase Phase
	Err   error
}

func (e *phaseError) Error() string { return fmt.Sprintf("%s: %v", e.Phase, e.Err) }
func (e *phaseError) Unwrap() error { return e.Err }

// verdict names how a deployment ended and, where it failed, explains it to people.
func (r *run) verdict(ctx context.Context, err error) (State, *Failure) {
	if err == nil {
		return StateSucceeded, nil
	}
	f := explain(err)
	f.Serving = r.serving(ctx)
	if late := (*SupersededError)(nil); errors.As(err, &late) {
		f.Next = fmt.Sprintf("the newer push is deployed when it arrives, or is already; verdigris deploy --commit %s deploys this one all the same", late.Commit)
		return StateSuperseded, f
	}
	if f.Next == "" {
		f.Next = r.nextStep(f.Phase)
	}
	if r.replaced != "" {
		f.Reason += fmt.Sprintf("; %s, which ran on %s before, could not be brought back: %v", r.replaced.Short(), r.d.Slice, r.notBack)
		f.Next += fmt.Sprintf("; verdigris deploy %s --commit %s brings %s back", r.d.Slice, r.replaced, r.replaced.Short())
	}
	if r.lost != nil {
		r.tellLost(f)
	}
	switch r.fate {
	case moved:
		f.Next = r.stuck() + "; " + f.Next
		return StateFailed, f
	case returned:
		return StateRolledBack, f
	}
	return StateAborted, f
}

// tellLost says where data is that could not be carried back, and what would go over it.
func (r *run) tellLost(f *Failure) {
	where := "the data of the two slices may differ"
	if r.fate == returned {
		where = fmt.Sprintf("what was written since the cutover is on %s only", r.d.Slice)
	}
	f.Reason += fmt.Sprintf("; on the way back the data could not be carried along (%v), so %s", r.lost, where)
	if r.unmirrored {
		f.Next += fmt.Sprintf("; mirroring is off now, since it would go over that: %s, so look at it, then verdigris mirror on", where)
		return
	}
	f.Next += fmt.Sprintf("; %s, so look at it before the next cutover, which goes over it", where)
}

// stuck says how it comes that a release that failed is live.
func (r *run) stuck() string {
	if r.d.From == "" {
		return "the first release has none to go back to, so it is live"
	}
	return "the traffic could not be brought back: look at verdigris status and verdigris doctor now"
}

// explain takes an error apart into what people need. Of several errors the first names the phase.
func explain(err error) *Failure {
	f := &Failure{}
	var reasons []string
	for _, e := range apart(err) {
		if in := (*phaseError)(nil); f.Phase == "" && errors.As(e, &in) {
			f.Phase, e = in.Phase, in.Err
		}
		reasons = append(reasons, e.Error())
	}
	f.Reason = strings.Join(reasons, "; ")
	if hinted := (*HintedError)(nil); errors.As(err, &hinted) {
		f.Next = hinted.Next
	}
	if conflict := (*ConflictError)(nil); errors.As(err, &conflict) && conflict.Next != "" {
		f.Next = conflict.Next
	}
	if logged := (*LoggedError)(nil); errors.As(err, &logged) {
		f.Log = logged.Lines
	}
	return f
}

// apart returns the errors that errors.Join put together, and those that it had put together before.
func apart(err error) (parts []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		parts = append(parts, apart(e)...)
	}
	return parts
}

// serving says what still answers requests, and asks it.
func (r *run) serving(ctx context.Context) string {
	live, ok := r.live(ctx)
	if !ok {
		return live
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.app.Health.Timeout)
	defer cancel()
	reply, err := r.Router.Get(ctx, r.app.Health.Path)
	switch {
	case err != nil:
		return fmt.Sprintf("%s, but the site does not answer: %v", live, err)
	case reply.Status != r.app.Health.Status:
		return fmt.Sprintf("%s, but the site answers %s with %d", live, r.app.Health.Path, reply.Status)
	}
	return live + " and serving"
}

// live says what is live, as the router has it; ok is false when nothing is.
func (r *run) live(ctx context.Context) (text string, ok bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	route, err := r.Router.Current(ctx)
	switch {
	case err != nil:
		return "unknown: the router's configuration could not be read", false
	case route.Slice == "":
		return "nothing is live yet", false
	}
	return fmt.Sprintf("%s (%s) is live", route.Slice, route.Commit.Short()), true
}

// nextStep is the advice where the error itself brings none.
func (r *run) nextStep(p Phase) string {
	id := r.d.ID
	switch p {
	case PhaseFetch:
		return "check the repository url, the credentials and that the commit was pushed, then push or deploy again"
	case PhaseBuild:
		return "mend the build and push again"
	case PhaseMigrate:
		return "mend the migration and push again; it may have been applied in part"
	case PhaseStart, PhaseProbe:
		return fmt.Sprintf("see the log above, mend the app and push again; verdigris history %d shows everything", id)
	case PhaseWorkers:
		if r.fate != untouched {
			return fmt.Sprintf("verdigris logs %s shows what its workers said; mend the release and push again", r.d.Slice)
		}
		return fmt.Sprintf("see verdigris logs %s and docker ps; verdigris switch %s tries the cutover again", r.d.From, r.d.Slice)
	case PhaseCopy, PhaseHold, PhaseSettle, PhaseRoute, PhaseRelease:
		return fmt.Sprintf("mend the cause; %s is ready: verdigris switch %s tries the cutover again", r.d.Slice, r.d.Slice)
	case PhaseVerify, PhaseWatch:
		return fmt.Sprintf("verdigris logs %s shows what the release said; mend it and push again", r.d.Slice)
	}
	return "see verdigris status and verdigris doctor"
}

// again is the command that asks for the same once more.
func again(d Deployment) string {
	switch {
	case d.Kind == KindSwitch:
		return fmt.Sprintf("verdigris switch %s", d.Slice)
	case d.Kind == KindRollback:
		return "verdigris rollback"
	case d.Promote:
		return fmt.Sprintf("verdigris deploy --commit %s --switch", d.Commit)
	}
	return fmt.Sprintf("verdigris deploy %s --commit %s", d.Slice, d.Commit)
}

// withLogs adds the last lines of the slice's containers to an error.
func (r *run) withLogs(ctx context.Context, slice Slice, err error) error {
	if err == nil || errors.As(err, new(*LoggedError)) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var out strings.Builder
	if r.Runtime.Logs(ctx, slice, LogOptions{Tail: 20}, &out) != nil || out.Len() == 0 {
		return err
	}
	return &LoggedError{Err: err, Lines: lastLines(out.String(), 20)}
}

func lastLines(text string, n int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[max(0, len(lines)-n):]
}
