package observer_test

import (
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
	"assay/observer"
)

// python does by itself, with the cryptography package, what docs/observer-profile-1.md says.
const python = `
import hashlib, hmac, json, math, sys, uuid
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

def sealer(c):
    label = "ZeqField/PhaseLockedNonce/v1" + ("/epoch/%d" % c["epoch"] if c["epoch"] else "")
    key = hmac.new(c["key"].encode(), label.encode(), hashlib.sha256).digest()
    nonce = hashlib.sha256(("phase-lock|%d|%s" % (c["zeqond"], c["slug"])).encode()).digest()[:12]
    return AESGCM(key), nonce

def row_id(slug, ms, row_hash):
    b = bytearray(hashlib.sha256(("event|%s|%s" % (slug, row_hash)).encode()).digest()[:16])
    b[:6] = ms.to_bytes(6, "big")
    b[6], b[8] = b[6] & 0x0f | 0x70, b[8] & 0x3f | 0x80
    return str(uuid.UUID(bytes=bytes(b)))

asked = json.load(sys.stdin)
out = {"opened": [], "sealed": [], "rows": []}
for c in asked["cases"]:
    aead, nonce = sealer(c)
    out["opened"].append(aead.decrypt(nonce, bytes.fromhex(c["payload_ct"]), None).decode())
    out["sealed"].append(aead.encrypt(nonce, b"from python", None).hex())
prev = hashlib.sha256(("genesis|%s|%d" % (asked["origin"], asked["genesis"])).encode()).hexdigest()
last = asked["genesis"]
for c in asked["candidates"]:
    z = max(c["ms"] // 777, last + 1)
    phase = round(c["ms"] % 777 / 777, 6)
    hf6 = round(math.exp(-(z - last) / 30), 6) if out["rows"] else None
    h = hashlib.sha256(("%d|%s|%s" % (z, c["state_hash"], prev)).encode()).hexdigest()
    out["rows"].append({"zeqond": z, "phase": phase, "prev_hash": prev, "hash": h, "hf6": hf6, "id": row_id(asked["slug"], c["ms"], h)})
    prev, last = h, z
json.dump(out, sys.stdout)
`

type pythonCase struct {
	Key       string `json:"key"`
	Epoch     int    `json:"epoch"`
	Slug      string `json:"slug"`
	Zeqond    int64  `json:"zeqond"`
	PayloadCT string `json:"payload_ct"`
}

type pythonRow struct {
	Zeqond   int64    `json:"zeqond"`
	Phase    float64  `json:"phase"`
	PrevHash string   `json:"prev_hash"`
	Hash     string   `json:"hash"`
	HF6      *float64 `json:"hf6"`
	ID       string   `json:"id"`
}

// Another language, another library for the cipher, the same bytes: sealed rows
// both ways, and the chain with its ids.
func TestPython(t *testing.T) {
	t.Parallel()
	interpreter := testenv.Python(t, "proof")
	type candidateJSON struct {
		MS        int64  `json:"ms"`
		StateHash string `json:"state_hash"`
	}
	asked := struct {
		Cases      []pythonCase    `json:"cases"`
		Slug       string          `json:"slug"`
		Origin     string          `json:"origin"`
		Genesis    int64           `json:"genesis"`
		Candidates []candidateJSON `json:"candidates"`
	}{}
	var plains []string
	for i, c := range []pythonCase{{Key: key, Slug: "nb"}, {Key: key, Epoch: 1, Slug: "zeq07792026349"}, {Key: "é", Epoch: 12, Slug: "a-b"}} {
		var m observer.Memory
		l, err := openLock(t, &m, &observer.LockOptions{Key: c.Key, Epoch: c.Epoch, Slug: c.Slug, Mark: filepath.Join(t.TempDir(), "mark")})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			plain := strings.Repeat("é{\"a\":1}", n*i)
			if c.Zeqond, c.PayloadCT, err = l.Seal(t.Context(), []byte(plain)); err != nil {
				t.Fatal(err)
			}
			asked.Cases, plains = append(asked.Cases, c), append(plains, plain)
		}
	}
	var want []pythonRow
	var recent []observer.Past
	var head observer.Head
	for i, ms := range []int64{1_777_000_000_123, 1_777_000_000_124, 1_776_999_000_000, 1_777_000_100_000, 1_777_000_100_776, 1_777_000_999_999} {
		c := candidate(at(ms), strings.Repeat("x", i))
		if i == 0 {
			head = observer.Genesis(c)
			asked.Slug, asked.Origin, asked.Genesis = head.Slug, head.Origin, head.Genesis
		}
		var r observer.Row
		r, head = observer.Link(head, c, recent)
		recent = append(recent, r.Past())
		e, err := r.Event()
		if err != nil {
			t.Fatal(err)
		}
		asked.Candidates = append(asked.Candidates, candidateJSON{ms, c.StateHash})
		want = append(want, pythonRow{r.Zeqond, r.Phase, r.PrevHash, r.Hash(), r.HF.HF6, e.ID})
	}
	in, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-c", python)
	cmd.Stdin = strings.NewReader(string(in))
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v %s", err, stderr(err))
	}
	var got struct {
		Opened, Sealed []string
		Rows           []pythonRow
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plains, got.Opened); diff != "" {
		t.Errorf("Python opens something else: %s", diff)
	}
	for i, ct := range got.Sealed {
		c := asked.Cases[i]
		plain, err := observer.OpenPhase(observer.PhaseKey(c.Key, c.Epoch), c.Zeqond, c.Slug, ct)
		if err != nil || string(plain) != "from python" {
			t.Errorf("what Python sealed: %q, %v", plain, err)
		}
	}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("Python's chain: %s", diff)
	}
}

func stderr(err error) string {
	if e, ok := err.(*exec.ExitError); ok {
		return string(e.Stderr)
	}
	return ""
}

// The vectors of docs/observer-profile-1.md.
func TestVectors(t *testing.T) {
	t.Parallel()
	const machine = "zsm_live_0123456789abcdef"
	k0, k1 := observer.PhaseKey(machine, 0), observer.PhaseKey(machine, 1)
	nonce := observer.PhaseNonce(2287568432, "zeq07792026349")
	for name, v := range map[string][2]string{
		"key of epoch 0": {hex.EncodeToString(k0[:]), "b3d8205ef902572b3f427f9842ab4d424175e51b47f2557e0019072bf36caa6e"},
		"key of epoch 1": {hex.EncodeToString(k1[:]), "4b7c6c2de9fa79c9b5e661b0ccc63f43f0b5337695146100e4cae0dca062cb53"},
		"nonce":          {hex.EncodeToString(nonce[:]), "d9dd538e42f29b677852d153"},
		"genesis":        {observer.GenesisHash("acme:nb-1", 2287568432), "52a5c96cd8e751b993029927e97bd49f0b21a89893c661bbc7892f51660b25dc"},
		"row hash":       {(observer.Row{Zeqond: 2287568433, StateHash: strings.Repeat("ab", 32), PrevHash: observer.GenesisHash("acme:nb-1", 2287568432)}).Hash(), "09030675436d31023f0f59f058895cf928c301a36b3dff4bf8addea3ad8ae391"},
	} {
		if v[0] != v[1] {
			t.Errorf("%s: %s, want %s", name, v[0], v[1])
		}
	}
	plain, err := observer.OpenPhase(k0, 2287568432, "zeq07792026349", "a6b8ef0f2db34538d99b5a8adca1215c7873be4a88fcce6ff505d5d876a8ed84ee742e00211aa0")
	if err != nil || string(plain) != `{"observation":"epoch"}` {
		t.Errorf("%q, %v", plain, err)
	}
}
