# The verdigris image: the program, git and ssh. Build it with `make image`, which hands over the sources with
# their modules vendored (go mod vendor), so that a build downloads no modules.
ARG GO_IMAGE=golang:1.26
ARG BASE_IMAGE=debian:trixie-slim

FROM ${GO_IMAGE} AS build
LABEL verdigris.build=controller
ENV CGO_ENABLED=0 GOFLAGS=-mod=vendor GOTOOLCHAIN=local
WORKDIR /src
# The modules are compiled first: they change rarely and take the longest.
COPY go.mod go.sum ./
COPY vendor ./vendor
RUN grep -v '^#' vendor/modules.txt | xargs go list -e -f '{{if and .GoFiles (not .DepsErrors)}}{{.ImportPath}}{{end}}' | xargs go build -trimpath
COPY . .
ARG VERSION=unknown
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /verdigris ./cmd/verdigris

FROM ${BASE_IMAGE}
LABEL verdigris.build=controller
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates git openssh-client \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home --home-dir /home/verdigris verdigris \
 && chmod 755 /home/verdigris
COPY --from=build /verdigris /usr/local/bin/verdigris
ENV HOME=/home/verdigris
# Whoever uses Docker's socket has the machine in hand all the same; see docs/security.md.
USER verdigris
EXPOSE 9000
ENTRYPOINT ["verdigris"]
CMD ["serve"]
