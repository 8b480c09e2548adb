package redisync

import "golang.org/x/sys/unix"

// arrived is how many bytes the kernel has for us (SIOCINQ, tcp(7)), or 0 where it does not say.
func (g *gathering) arrived() (bytes int) {
	g.control(func(fd int) { bytes, _ = unix.IoctlGetInt(fd, unix.SIOCINQ) })
	return bytes
}
