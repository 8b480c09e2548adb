package compose

import (
	"strconv"
	"strings"
)

// olderThan compares two API versions such as 1.9 and 1.41. A version that cannot be read counts as old.
func olderThan(version, than string) bool {
	major, minor := parts(version)
	otherMajor, otherMinor := parts(than)
	return major < otherMajor || major == otherMajor && minor < otherMinor
}

func parts(version string) (major, minor int) {
	before, after, _ := strings.Cut(version, ".")
	major, _ = strconv.Atoi(before)
	minor, _ = strconv.Atoi(after)
	return major, minor
}
