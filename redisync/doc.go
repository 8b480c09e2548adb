// Package redisync moves the selected keys of one slice's redis to the other slice's redis. It satisfies
// deploy.Data and deploy.Transfer.
//
// Copy walks over the selected keys while traffic goes on: small keys travel as DUMP payloads, many at a time;
// large ones in pieces, from a server-side snapshot into a temporary key that takes the real key's place once
// it is complete, so that nobody ever sees half a value. Settle runs while requests are held: it compares both
// sides, copies what differs and compares again, to the last byte and millisecond.
//
// The package knows nothing about requests, routers or containers: who calls Settle sees to it that nothing
// writes meanwhile. It never touches a key that is not selected, other than its own below "__verdigris:".
package redisync
