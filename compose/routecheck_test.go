package compose

import (
	"errors"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestCheck_WebServiceThatTheRouterCouldTakeForTheOtherSlices_IsRefused(t *testing.T) {
	const web = "services: {web: {image: app, "
	for name, test := range map[string]struct {
		file    string
		address AddressMode
		same    bool // the slices have one port
		want    []string
	}{
		"the machine's network and one port":       {web + "network_mode: host}}", AddressContainer, true, []string{"blue.yml:1", "network_mode: host", "port 6379", "web.ports.green"}},
		"the machine's network and a port each":    {web + "network_mode: host}}", AddressContainer, false, nil},
		"the machine's network, by its port":       {web + "network_mode: host}}", AddressHost, true, []string{"port 6379"}},
		"a port that the engine chooses":           {web + `ports: ["6379"]}}`, AddressHost, false, []string{"blue.yml:1", "at each start", "fixed port"}},
		"a range to choose from":                   {web + `ports: ["7000-7005:6379"]}}`, AddressHost, false, []string{"fixed port"}},
		"a fixed port":                             {web + `ports: ["127.0.0.1:7000:6379"]}}`, AddressHost, false, nil},
		"a range of as many as there are":          {web + `scale: 3, ports: ["7000-7002:6379"]}}`, AddressHost, false, nil},
		"another port than the web service's":      {web + `ports: ["7000:80"]}}`, AddressHost, false, []string{"does not publish port 6379"}},
		"a port that the engine chooses, unused":   {web + `ports: ["6379"]}}`, AddressContainer, false, nil},
		"as many replicas as there are places":     {web + "scale: 126}}", AddressContainer, false, nil},
		"more replicas than there are places":      {web + "scale: 127}}", AddressContainer, false, []string{"room for 126 web containers"}},
		"the network of another service":           {web + "network_mode: 'service:vpn'}, vpn: {image: vpn}}", AddressContainer, false, nil},
		"another service in the machine's network": {web[:len(web)-1] + "}, agent: {image: agent, network_mode: host}}", AddressContainer, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil, test.file)
			s.settings.Address = test.address
			if test.same {
				s.settings.Ports[deploy.Green] = s.settings.Ports[deploy.Blue]
			}
			p, err := s.load(deploy.Blue)
			testkit.Must(t, err)
			err = s.check(p)
			if test.want == nil {
				testkit.Must(t, err)
				return
			}
			var hinted *deploy.HintedError
			if !errors.As(err, &hinted) {
				t.Fatalf("the error is %v", err)
			}
			testkit.Contains(t, hinted.Error()+"; "+hinted.Next, test.want...)
		})
	}
}
