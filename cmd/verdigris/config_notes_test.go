package main

import (
	"fmt"
	"testing"

	"verdigris/internal/testkit"
)

func TestConfigCheck_RouterThatGoesByOtherAddresses_SaysWhatHolds(t *testing.T) {
	const app = "apps: {shop: {repository: {url: .}, web: {port: 80%s}, compose: {shared: []}, router: {kind: file, file: up.conf%s}}}\n"
	for _, test := range []struct {
		web, router string
		want        []string
	}{
		{"", "", []string{"note: apps.shop.router", "docker network connect shop-verdigris-blue CONTAINER && docker network connect shop-verdigris-green CONTAINER"}},
		{", address: host", "", []string{"note: apps.shop.web.address", "fixed one that no other slice has"}},
	} {
		w := newFolder(t, fmt.Sprintf(app, test.web, test.router))
		r := w.run(t, "config", "check")
		r.want(t, exitOK)
		testkit.Contains(t, r.err, test.want...)
	}
}
