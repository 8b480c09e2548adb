package testkit

import (
	"flag"
	"runtime"
	"strconv"
)

// SideBySide has a package run more parallel tests at once than there are processors, unless -parallel says how many: its
// tests wait most of the time, for the Engine or for processes that they have started. It is called by TestMain.
func SideBySide() {
	flag.Parse()
	isGiven := false
	flag.Visit(func(f *flag.Flag) { isGiven = isGiven || f.Name == "test.parallel" })
	if !isGiven {
		flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	}
}
