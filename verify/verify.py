#!/usr/bin/env python3
"""Verifies assay's receipts and exported logs; shares no code with assay.

  verify.py receipt OUT.receipt.json [--notebook OUT] --key VKEY [--witness VKEY]
  verify.py export DIR --key VKEY [--witness VKEY]

Exit 0: what was checked holds. 1: something does not. 2: wrong use, or a file that cannot be read.
Needs Python 3.9 and the package cryptography. The formats: docs/receipt.md, docs/digests.md, docs/log.md.
To check receipts takes two files, 244 lines: verify.py 148 (proof, signatures, verdict) and formats.py 96 (what assay writes, and
what binds payloads to an entry). digest.py, 147, is for a notebook that differs: where; export.py, 127, is for exports."""
import argparse, base64, hashlib, json, pathlib, re, sys, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from formats import bound, need, read, read_entry, read_payloads

LOG, WITNESS = 1, 4  # the algorithms of keys
NAME = r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]+"  # of a key: no space, no plus sign
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?"  # in its one spelling
NOTE = rf"(([^\n]+)\n(0|[1-9][0-9]{{0,15}})\n({BASE64})\n)\n((?:\u2014 {NAME} {BASE64}\n){{1,100}})"
SIGNED = "proved: the key {}, which you gave, signed this tree of {} entries: none of them can be changed, moved or left out any more"
SAW = "proved: the witness {} saw at {} that the log went on from all it had seen before"
NOT_PROVED = ("not proved: that what was recorded is true: the kernel's reports are its own word, and a notebook that ran under "
              "the same user could have reached the log and its key")
UNSEEN = "not proved: that the log's owner shows everybody the same log: no witness that you gave cosigned"


def vkey(text, algorithm=LOG):
    """A verifier key (C2SP signed-note): what signatures name it by, and the key with its algorithm."""
    m = re.fullmatch(rf"({NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]{{44}})", text)
    raw = base64.b64decode(m[3]) if m else b"\0"
    need(raw[0] == algorithm and hashlib.sha256(f"{m[1]}\n".encode() + raw).hexdigest()[:8] == m[2],
         "not a verifier key as it is wanted here: NAME+HASH+KEY")
    return (m[1], bytes.fromhex(m[2])), raw


def checkpoint(note, keys):
    """Opens a signed checkpoint (C2SP signed-note, tlog-checkpoint): origin, size, root, and what its signatures prove."""
    m, said = re.fullmatch(NOTE, note), []
    need(m and len(m[4]) == 44 and int(m[3]) < 1 << 53 and len(note.encode()) <= 1 << 20 and not re.search("[\0-\t\v-\x1f]", note),
         "checkpoint: not as a log writes it")
    lines = [(name, base64.b64decode(text)) for name, text in re.findall("\u2014 (.+) (.+)\n", m[5])]
    signed = {(name, raw[:4]): raw[4:] for name, raw in lines if len(raw) > 4}
    need(len(signed) == len(lines), "checkpoint: a signature is malformed, or a key has signed twice")
    ours = sorted(signed.keys() & keys.keys())
    need(any(who[0] == m[2] and keys[who][0] == LOG for who in ours),
         f'checkpoint: no key that was given signed this checkpoint of the log "{m[2]}"')
    for who in ours:
        body, sig, name = m[1], signed[who], f"{who[0]}+{who[1].hex()}"
        if keys[who][0] == WITNESS:  # C2SP tlog-cosignature: eight bytes of time come first
            at, sig = int.from_bytes(sig[:8], "big"), sig[8:]
            body = f"cosignature/v1\ntime {at}\n{body}"
        try:
            Ed25519PublicKey.from_public_bytes(keys[who][1:]).verify(sig, body.encode())
        except InvalidSignature:
            raise ValueError(f"checkpoint: invalid signature for key {name}") from None
        said.append(SIGNED.format(name, m[3]) if keys[who][0] == LOG else SAW.format(who[0], moment(at)))
    return m[2], int(m[3]), base64.b64decode(m[4]), said + [NOT_PROVED] + [UNSEEN] * all(keys[who][0] == LOG for who in ours)


def moment(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at < 1 << 37 else f"{at} s after 1970"


def climb(h, index, size, proof):
    """The root to which an inclusion proof leads from the hash of a leaf (RFC 6962, 2.1.1)."""
    need(bool(proof) == (size > 1), "proof: it is too long or too short")
    if not proof:
        return h
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return hashlib.sha256(b"\1" + climb(h, index, half, proof[:-1]) + proof[-1]).digest()
    return hashlib.sha256(b"\1" + proof[-1] + climb(h, index - half, size - half, proof[:-1])).digest()


def receipt(data, keys, notebook=None):
    """All that can be said of a receipt, and of a notebook beside it, in lines; ValueError when the receipt does not hold."""
    r = read(data.decode(), "receipt")
    e = read_entry(r["entry"], "entry")
    shown, hidden = bound(e, r["commitments"], r["payloads"])
    origin, size, root, said = checkpoint(r["checkpoint"], keys)
    need(all(map(vkey, r["keys"])) and r["log"] == origin, f"receipt: it is of the log {r['log']}, its checkpoint of {origin}")
    leaf, proof = hashlib.sha256(b"\0" + r["entry"].encode()).digest(), [bytes.fromhex(h) for h in r["proof"]]
    need(r["index"] < size and climb(leaf, r["index"], size, proof) == root,
         f"proof: it does not lead from the entry at place {r['index']} to the root of the checkpoint's {size} entries")
    facts = read_payloads(e, shown)
    place = f"proved: the entry of {e['kind']} {e['id']} stands at place {r['index']} of the log {origin}"
    said = opening(e) + [place] + said
    if e["log"] != origin:
        said.append(f"not proved: that the entry was first written in this log: it names the log {e['log']}")
    if r["ephemeral"]:
        said.append("not proved: whose log it is beyond this one job: its key is ephemeral, made in a throwaway place")
    if hidden:
        said.append(f"not shown: the payloads {', '.join(hidden)}, withheld or erased")
    if notebook is None:
        return said + ["not proved: that a notebook is the one of this receipt: none was given to compare"] * ("output" in facts)
    need("output" in facts, "notebook: the receipt shows no output, so no notebook can be held against it")
    own = "sha256:" + hashlib.sha256(notebook).hexdigest()
    if own == facts["output"]["file"]:
        book = "the output of this run" if e["kind"] == "run" else "what assay recovered"
        return said + [f"proved: the notebook is, byte for byte, {book}"]
    import digest
    differ = digest.differences(notebook, facts["output"], facts.get("cells", {}).get("cells"))
    return said + [f"wrong: notebook: {p}" for p in [f"the file is not the run's output: it is {own}", *differ]]


def opening(e):
    """What is said first, so that nobody takes a receipt that holds for a run that succeeded."""
    if e["kind"] == "recovered":
        journal = f"the journal of the run {word(e['subject'])}, which was interrupted"
        return ["proved: assay recorded that it recovered a notebook from " + journal,
                "not proved: that this journal is what the run wrote: it lay unsigned on the disk until it was recovered"]
    ended = f"the run did NOT succeed: assay recorded that it ended {word(e['state'])}"
    ended = "assay recorded that the run succeeded" if e["state"] == "succeeded" else ended
    return [f"proved: {ended}"] * (e["kind"] == "run")


def word(s):
    return s if re.fullmatch("[a-z0-9_-]+", s) else json.dumps(s)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["receipt", "export"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--notebook", type=pathlib.Path, help="the output notebook, to hold against the receipt")
    parser.add_argument("--key", type=vkey, action="append", required=True, help="a verifier key of the log, from somebody you trust")
    parser.add_argument("--witness", type=lambda text: vkey(text, WITNESS), action="append", default=[], help="a witness's verifier key")
    args = parser.parse_args()
    keys = dict(args.key + args.witness)
    try:
        if args.what == "receipt":
            said = receipt(args.path.read_bytes(), keys, args.notebook and args.notebook.read_bytes())
        else:
            import export
            said = export.check(args.path, keys)
    except OSError as err:
        parser.error(str(err))
    except ValueError as err:
        said = [f"wrong: {err}"]
    for kind in ("proved: ", "not proved: ", "not shown: ", "wrong: "):
        for line in said:
            if line.startswith(kind):
                print("".join(c if c.isprintable() else "?" for c in line))
    sys.exit(any(line.startswith("wrong: ") for line in said))


if __name__ == "__main__":
    main()
