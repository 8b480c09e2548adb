package compose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"verdigris/deploy"
)

// BenchmarkUnchangedRebuild builds a context of which nothing has changed, in turn with docker build by each builder that
// it has on this machine. The metric docker-build is our time as a share of its time.
func BenchmarkUnchangedRebuild(b *testing.B) {
	for by, variable := range peers() {
		b.Run(by, func(b *testing.B) {
			e := connected(b)
			s := newSite(b, e, "services: {web: {build: app}}")
			s.write("app/Dockerfile", "FROM "+debian+" AS base\nRUN echo unchanged\nCOPY . /app\nRUN ls /app\nFROM base\nCOPY --from=base /app/0 /copied\n")
			for i := range 500 {
				s.write(fmt.Sprintf("app/%d", i), strings.Repeat("x", 10_000))
			}
			s.mustBuild()
			dockerBuild(b, s.dir+"/app", variable, "Dockerfile")
			b.ResetTimer()
			var ours, docker time.Duration
			for range b.N {
				began := time.Now()
				if _, err := s.Build(b.Context(), deploy.Blue, s.release(commitA), false, s.log); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(began)
				began = time.Now()
				dockerBuild(b, s.dir+"/app", variable, "Dockerfile")
				docker += time.Since(began)
			}
			b.ReportMetric(float64(ours)/float64(docker), "docker-build")
		})
	}
}
