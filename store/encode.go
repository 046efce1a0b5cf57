package store

import (
	"encoding/binary"
	"errors"

	"assay/audit"
)

const maxName = 255 // bytes of the name of a commitment or payload

var errEncoding = errors.New("its bytes are not as they were written")

// Commitments are kept as, for each, one byte with the length of its name, the
// name, and the 32 bytes of the digest.
func encodeCommitments(cs []audit.Commitment) []byte {
	b := make([]byte, 0, 48*len(cs))
	for _, c := range cs {
		b = append(append(b, byte(len(c.Name))), c.Name...)
		b = append(b, c.Digest[:]...)
	}
	return b
}

func decodeCommitments(b []byte) (cs []audit.Commitment, err error) {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+32 {
			return nil, errEncoding
		}
		cs = append(cs, audit.Commitment{Name: string(b[1 : 1+n]), Digest: audit.Digest(b[1+n : 1+n+32])})
		b = b[1+n+32:]
	}
	return cs, nil
}

// part is a payload as it is kept; of an erased one only name and length are left.
type part struct {
	audit.Payload
	erased bool
}

// Payloads are kept as, for each, one byte 0 (1 when it was erased), one byte
// with the length of its name, the name, 32 bytes of salt, the length of the
// data in four bytes, most significant first, and the data. An erased one keeps
// its place, with zeros for salt and data.
func encodePayloads(ps []audit.Payload) []byte {
	n := 0
	for _, p := range ps {
		n += 38 + len(p.Name) + len(p.Data)
	}
	b := make([]byte, 0, n)
	for _, p := range ps {
		b = appendPart(b, part{Payload: p})
	}
	return b
}

func appendPart(b []byte, p part) []byte {
	flag := byte(0)
	if p.erased {
		flag = 1
	}
	b = append(append(b, flag, byte(len(p.Name))), p.Name...)
	b = append(b, p.Salt[:]...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(p.Data))), p.Data...)
}

func decodePayloads(b []byte) (ps []part, err error) {
	for len(b) > 0 {
		if len(b) < 2 || b[0] > 1 || len(b) < 2+int(b[1])+36 {
			return nil, errEncoding
		}
		p := part{erased: b[0] == 1}
		name, rest := b[2:2+b[1]], b[2+int(b[1]):]
		n := int(binary.BigEndian.Uint32(rest[32:]))
		if len(rest)-36 < n {
			return nil, errEncoding
		}
		p.Name, p.Salt = string(name), [32]byte(rest)
		p.Data, b = rest[36:36+n:36+n], rest[36+n:]
		ps = append(ps, p)
	}
	return ps, nil
}
