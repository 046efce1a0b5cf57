package observerstub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// item is a row as it came.
type item struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Zeqond  string          `json:"zeqond"`
	Epoch   int             `json:"epoch"`
	Payload json.RawMessage `json:"payload"`
	Hash    string          `json:"hash"`
	CT      string          `json:"payload_ct"`
}

// payload is what the receiver looks at inside.
type payload struct {
	Slug      string `json:"slug"`
	Type      string `json:"type"`
	Number    int64  `json:"n"`
	Zeqond    string `json:"zeqond"`
	StateHash string `json:"state_hash"`
	PrevHash  string `json:"prev_hash"`
	Meta      struct {
		Dropped int64 `json:"dropped"`
		From    int64 `json:"from_n"`
		To      int64 `json:"to_n"`
	} `json:"meta"`
}

// nonce is what a ciphertext was made under.
type nonce struct {
	epoch  int
	zeqond int64
}

// seen is a row that was taken before.
type seen struct {
	plain [32]byte // of the payload
	ct    [32]byte
	reply result
}

// clientChain is the sender's chain, as far as the receiver has been told.
type clientChain struct {
	known  bool
	number int64
	zeqond int64
	hash   string
}

// refusal is why a row is not taken.
type refusal struct {
	status int
	what   string
	note   string
	alarm  bool
}

// row takes one row or refuses it. A replay, the same bytes again, is answered
// as the first time, and makes no second row.
func (s *Server) row(body []byte) result {
	var it item
	if err := json.Unmarshal(body, &it); err != nil || len(it.Type) > 64 {
		return result{Status: http.StatusBadRequest, Error: "invalid_request"}
	}
	plain, again, no := s.open(it)
	if again == nil && no == nil {
		again, no = s.known(it, plain)
	}
	var p payload
	if again == nil && no == nil {
		p, no = s.check(it, plain)
	}
	switch {
	case no != nil:
		if no.alarm {
			s.alarms = append(s.alarms, Incident{What: no.what, ID: it.ID, Note: no.note, Time: s.o.Now().UTC()})
		}
		return result{Status: no.status, Error: no.what}
	case again != nil:
		s.replays++
		r := *again
		r.Duplicate, r.Status = true, http.StatusOK
		return r
	}
	r := s.append(it, plain, p)
	kept := seen{plain: sha256.Sum256(plain), ct: sha256.Sum256([]byte(it.CT)), reply: r}
	if it.ID != "" {
		s.ids[it.ID] = kept
	}
	if it.CT != "" {
		z, _ := strconv.ParseInt(it.Zeqond, 10, 64)
		s.sealed[nonce{it.Epoch, z}] = kept
	}
	return r
}

// open is the payload in clear. Of a ciphertext the tag must be right, and its
// zeqond new, or the bytes those that came under it before.
func (s *Server) open(it item) (plain []byte, again *result, no *refusal) {
	switch {
	case it.CT == "" && len(it.Payload) > 0:
		return it.Payload, nil, nil
	case it.CT == "" && len(it.Hash) == 64:
		return []byte(it.Hash), nil, nil
	case it.CT == "" || len(it.Payload) > 0:
		return nil, nil, &refusal{status: http.StatusBadRequest, what: "invalid_request"}
	}
	z, err := strconv.ParseInt(it.Zeqond, 10, 64)
	if err != nil {
		return nil, nil, &refusal{status: http.StatusBadRequest, what: "invalid_request"}
	}
	before, used := s.sealed[nonce{it.Epoch, z}]
	if used && before.ct == sha256.Sum256([]byte(it.CT)) {
		return nil, &before.reply, nil
	}
	plain, err = open(s.o.Key, it.Epoch, z, s.o.Slug, it.CT)
	switch {
	case err != nil:
		return nil, nil, &refusal{http.StatusBadRequest, "bad_tag", "zeqond " + it.Zeqond, true}
	case used:
		s.burnt[it.Epoch] = true
		return nil, nil, &refusal{http.StatusConflict, "zeqond_conflict", "nonce_reuse: epoch " + strconv.Itoa(it.Epoch) + ", zeqond " + it.Zeqond, true}
	case s.burnt[it.Epoch]:
		return nil, nil, &refusal{http.StatusConflict, "key_burnt", "epoch " + strconv.Itoa(it.Epoch), false}
	}
	return plain, nil, nil
}

// known finds a row that came before under the same id, perhaps sealed otherwise.
func (s *Server) known(it item, plain []byte) (*result, *refusal) {
	before, ok := s.ids[it.ID]
	switch {
	case !ok || it.ID == "":
		return nil, nil
	case before.plain == sha256.Sum256(plain):
		return &before.reply, nil
	}
	return nil, &refusal{http.StatusConflict, "id_conflict", "", true}
}

// check is what profile 1 asks of a row: that the label outside is the one
// inside, and that the sender's chain goes on where it stood.
func (s *Server) check(it item, plain []byte) (payload, *refusal) {
	var p payload
	if bytes.HasPrefix(plain, []byte("{")) {
		if err := json.Unmarshal(plain, &p); err != nil {
			return p, &refusal{status: http.StatusBadRequest, what: "invalid_request"}
		}
	}
	if p.Slug != "" && p.Slug != s.o.Slug || p.Type != "" && p.Type != it.Type || it.CT == "" && p.Zeqond != "" && p.Zeqond != it.Zeqond {
		return p, &refusal{http.StatusBadRequest, "envelope_mismatch", "", true}
	}
	if p.PrevHash == "" {
		return p, nil
	}
	z, err := strconv.ParseInt(p.Zeqond, 10, 64)
	c := s.client
	switch {
	case err != nil || len(p.StateHash) != 64:
		return p, &refusal{status: http.StatusBadRequest, what: "invalid_request"}
	case !c.known:
		return p, nil
	case z <= c.zeqond:
		return p, &refusal{http.StatusConflict, "zeqond_order", fmt.Sprintf("%d after %d", z, c.zeqond), true}
	case p.PrevHash != c.hash || p.Number != c.number+1:
		return p, &refusal{http.StatusConflict, "chain_break", fmt.Sprintf("row %d after row %d", p.Number, c.number), true}
	}
	return p, nil
}

// follow moves the receiver's picture of the sender's chain.
func (s *Server) follow(typ string, p payload) {
	z, _ := strconv.ParseInt(p.Zeqond, 10, 64)
	switch {
	case p.PrevHash != "":
		s.client = clientChain{true, p.Number, z, rowHash(z, p.StateHash, p.PrevHash)}
	case typ == "outbox.overflow" && p.Meta.To > s.client.number:
		// Rows that arrived although the sender never heard so are not missing.
		s.missing += p.Meta.To - max(s.client.number, p.Meta.From-1)
		s.client = clientChain{true, p.Meta.To, s.client.zeqond, p.StateHash} // its zeqond is the next row's
	}
}

func rowHash(zeqond int64, stateHash, prevHash string) string {
	d := sha256.Sum256([]byte(strconv.FormatInt(zeqond, 10) + "|" + stateHash + "|" + prevHash))
	return hex.EncodeToString(d[:])
}
