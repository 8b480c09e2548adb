package deploy

import "fmt"

// Slice names one copy of an app: Blue and Green take turns in production, Staging never takes its traffic.
type Slice string

// The three slices.
const (
	Blue    Slice = "blue"
	Green   Slice = "green"
	Staging Slice = "staging"
)

// ParseSlice returns the slice with that name, or an error that lists the names there are.
func ParseSlice(name string) (Slice, error) {
	switch s := Slice(name); s {
	case Blue, Green, Staging:
		return s, nil
	}
	return "", &InputError{Reason: fmt.Sprintf("there is no slice %q: the slices are blue, green and staging", name)}
}

// Production tells whether the slice can take production traffic.
func (s Slice) Production() bool { return s == Blue || s == Green }

// Other returns the other production slice; it is empty for a slice that is not one.
func (s Slice) Other() Slice {
	switch s {
	case Blue:
		return Green
	case Green:
		return Blue
	}
	return ""
}
