// Package observer writes the stage-complete row of the Zeq observer contract
// for each run, and sends such rows to an observer endpoint.
//
// A row says what ended (type, observation), in which state (a hash), when (a
// zeqond, a tick of 0.777 s, and the real time), how busy the chain was
// (signals), and which row stood before it (a hash link):
//
//	row hash  = sha256(zeqond "|" state hash "|" prev hash), in lower-case hex
//	prev hash = row hash of the row before; of the first row
//	            sha256("genesis|" origin "|" genesis zeqond)
//	zeqond    = max(clock, zeqond of the row before + 1)
//
// The link orders rows; it is no evidence against somebody who can write the
// database, because it binds neither type, time nor payload and is not signed.
// The log of package audit is the evidence. A broken link is reported and never
// mended.
//
// [Link] is pure: a store calls it inside the transaction that appends the run.
// [Wire] is the observer endpoint as one destination of package events.
// docs/observer-profile-1.md is the specification of everything on the wire.
package observer
