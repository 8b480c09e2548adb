package source

import (
	"strings"

	"verdigris/deploy"
)

// sshOptions let ssh neither ask, nor trust a host that it does not know, nor lend this machine to the other side.
var sshOptions = []string{
	"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=4",
	"ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no",
}

// sshCommand returns the value of GIT_SSH_COMMAND (git(1)), the one place where git wants a shell's quoting.
func (r *Repository) sshCommand() string {
	words := []string{r.SSH}
	if r.remote.KeyFile != "" {
		words = append(words, "-F", "/dev/null", "-i", r.remote.KeyFile, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none")
	}
	if r.remote.KnownHostsFile != "" {
		words = append(words, "-o", `UserKnownHostsFile="`+r.remote.KnownHostsFile+`"`, "-o", "GlobalKnownHostsFile=/dev/null")
	}
	for _, option := range sshOptions {
		words = append(words, "-o", option)
	}
	for i, word := range words {
		words[i] = quote(word)
	}
	return strings.Join(words, " ")
}

// checkSSH refuses paths in which ssh itself would expand or unquote something (ssh_config(5), TOKENS).
func (r *Remote) checkSSH() error {
	for _, path := range []string{r.KeyFile, r.KnownHostsFile} {
		if strings.ContainsAny(path, "%$\"\\\n\r\x00") || strings.HasPrefix(path, "~") || strings.HasPrefix(path, "-") {
			return &deploy.InputError{Reason: "the ssh key and known_hosts files must have plain paths, without % $ \" \\ ~ or a leading dash"}
		}
	}
	return nil
}

// quote makes one word for a POSIX shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
