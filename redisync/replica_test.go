package redisync

import (
	"net"
	"testing"

	"verdigris/internal/testkit"
)

// replicate makes redis' own replica of a server, which a mirror is compared to, and waits until it is in step.
func replicate(t testing.TB, primary, replica *testServer) {
	t.Helper()
	host, port := primary.hostPort()
	primary.do(t, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
	replica.do(t, "REPLICAOF", host, port)
	waitReplicated(t, primary, replica)
}

func waitReplicated(t testing.TB, primary, replica *testServer) {
	t.Helper()
	testkit.Eventually(t, "the replica is in step", func() bool {
		there, here := replicationOf(t, primary), replicationOf(t, replica)
		return here["master_link_status"] == "up" && there["master_repl_offset"] == here["slave_repl_offset"]
	})
}

func isPrimary(t testing.TB, s *testServer) bool { return replicationOf(t, s)["role"] == "master" }

func replicationOf(t testing.TB, s *testServer) info {
	t.Helper()
	return parseInfo(s.do(t, "INFO", "replication").(string))
}

func (s *testServer) hostPort() (host, port string) {
	host, port, _ = net.SplitHostPort(s.address)
	return host, port
}
