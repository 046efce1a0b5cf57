#!/usr/bin/env python3
"""Verifies assay's receipts and exported logs; shares no code with assay.

  verify.py receipt OUT.receipt.json [--notebook OUT] --key VKEY
  verify.py export DIR --key VKEY

Exit 0: what was checked holds. 1: something does not. 2: wrong use, or a file that cannot be read.
Needs Python 3.9 and the package cryptography. The formats: docs/receipt.md, docs/digests.md, docs/log.md.
To check receipts takes four files, 417 lines: verify.py 141 (proof and signatures), formats.py 79 (the formats),
tree.py 50 (the Merkle tree), digest.py 147 (which cell of a notebook differs). export.py, 88, is for exports only."""
import argparse, base64, hashlib, json, os, pathlib, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
import digest, formats, tree
from formats import Bad, need, read

SIGNED = "the key {}, which you gave, signed this tree of {} entries: none of them can be changed, moved or left out any more"
NOT_PROVED = ["that what was recorded is true: the kernel's reports are its own word, and a notebook that ran under the same user could have reached the log and its key",
              "that the log's owner shows everybody the same log: cosignatures of witnesses are not looked at here"]


def b64(s):
    raw = base64.b64decode(s, validate=True)
    need(base64.b64encode(raw).decode() == s, "base64 that is not spelt as it is written")
    return raw


def log_key(vkey):
    """A verifier key as (name, hash) and key."""
    name, raw = vkey.partition("+")[0], b64(vkey.partition("+")[2].partition("+")[2])
    short = hashlib.sha256(f"{name}\n".encode() + raw).digest()[:4]
    need(re.fullmatch(formats.NAME, name) and len(raw) == 33 and raw[0] == 1 and vkey == f"{name}+{short.hex()}+{base64.b64encode(raw).decode()}",
         "not a verifier key: want NAME+HASH+KEY")
    return (name, short), raw[1:]


def checkpoint(note, keys):
    """Opens a signed checkpoint (C2SP signed-note, tlog-checkpoint): origin, size, root, and who signed."""
    body, cut, lines = note.rpartition("\n\n")
    body, seen = body + "\n", {}
    need(len(note.encode()) <= 1 << 20, "checkpoint: longer than a signed note may be")
    need(cut and lines.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", note), "checkpoint: no signed note")
    for line in lines[:-1].split("\n"):
        m = re.fullmatch(f"\u2014 ({formats.NAME}) ([^ ]+)", line)
        raw = b64(m[2]) if m else b""
        need(len(raw) > 4 and (m[1], raw[:4]) not in seen and len(seen) < 100, "checkpoint: a signature is malformed, or a key has signed twice")
        seen[m[1], raw[:4]] = raw[4:]
    ours = sorted(seen.keys() & keys.keys())
    for who in ours:
        try:
            Ed25519PublicKey.from_public_bytes(keys[who]).verify(seen[who], body.encode())
        except InvalidSignature:
            raise Bad(f"checkpoint: invalid signature for key {who[0]}+{who[1].hex()}") from None
    m = re.fullmatch(f"([^\n]+)\n({formats.N})\n([^\n]{{44}})\n", body)
    need(m and int(m[2]) < 1 << 53 and len(b64(m[3])) == 32, "checkpoint: not as a log writes it")
    who = next((f"{n}+{h.hex()}" for n, h in ours if n == m[1]), None)
    need(who, f"checkpoint: no key that was given signed this checkpoint of the log \"{m[1]}\"")
    return m[1], int(m[2]), b64(m[3]), who


def bound(entry, commitments, payloads):
    """Holds payloads against commitments, and those against the entry; gives the payloads by name."""
    names = [c["name"] for c in commitments]
    need(len(set(names)) == len(names), "payloads: a commitment stands twice")
    facts = digest.digest("assay.facts.1", [[c["name"], bytes.fromhex(c["digest"][7:])] for c in commitments])
    need(entry["facts"] == ("sha256:" + facts.hex() if names else ""), "payloads: the list of commitments is not the one in the entry")
    rest = iter(commitments)
    for p in payloads:
        own = digest.digest("assay.payload.1", p["name"], bytes.fromhex(p["salt"]), p["data"])
        c = next((c for c in rest if c["name"] == p["name"]), {"digest": ""})
        need(c["digest"] == "sha256:" + own.hex(), f"payloads: {p['name']} is not what the entry is bound to")
    return {p["name"]: p["data"] for p in payloads}


def run_facts(entry, shown):
    """The payloads of a run, read: each as assay writes it, and in agreement with its entry."""
    facts = {}
    for name, data in shown.items():
        need(name in formats.PAYLOADS, f"payloads: {name}: no run has such a payload")
        facts[name] = read(data, formats.PAYLOADS[name], f"payloads: {name}")
    if "environment" in facts:
        own = hashlib.sha256(shown["environment"].partition(',"environment":')[2][:-1].encode()).hexdigest()
        need(facts["environment"]["digest"] == "sha256:" + own, "payloads: the environment's digest is not that of its list")
    if "result" in facts:
        need(facts["result"]["state"] == entry["state"], f"payloads: result does not say that the run ended {entry['state']}")
    return facts


def ended(state):
    if state == "succeeded":
        return "assay recorded that the run succeeded"
    return f"the run did NOT succeed: assay recorded that it ended {state if re.fullmatch('[a-z_]+', state) else json.dumps(state)}"


def receipt(data, keys, notebook=None):
    """What is proved and what about the notebook does not hold, in sentences; Bad when the receipt does not hold."""
    r = read(data, formats.RECEIPT, "receipt")
    e = formats.read_entry(r["entry"], "entry")
    for k in r["keys"]:
        log_key(k)
    shown = bound(e, r["commitments"], r["payloads"])
    origin, size, root, who = checkpoint(r["checkpoint"], keys)
    need(r["log"] == origin, f"receipt: it is of the log {r['log']}, its checkpoint of {origin}")
    proof = [bytes.fromhex(h) for h in r["proof"]]
    need(r["index"] < size and tree.climb(tree.leaf(r["entry"].encode()), r["index"], size, proof) == root,
         f"proof: it does not lead from the entry at place {r['index']} to the root of the checkpoint's {size} entries")
    run = e["kind"] == "run"
    facts = run_facts(e, shown) if run else {}
    proved = [ended(e["state"])] * run + [f"the entry of {e['kind']} {e['id']} stands at place {r['index']} of the log {origin}", SIGNED.format(who, size)]
    out, cells = facts.get("output"), facts.get("cells", {}).get("cells")
    need(out or notebook is None, "notebook: the receipt shows no output, so no notebook can be held against it")
    own = "sha256:" + hashlib.sha256(notebook or b"").hexdigest()
    if notebook is None or own == out["file"]:
        return proved + ["the notebook is, byte for byte, the output of this run"] * (notebook is not None), []
    return proved, [f"notebook: {p}" for p in [f"the file is not the run's output: it is {own}", *digest.differences(notebook, out, cells)]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["receipt", "export"])
    parser.add_argument("path")
    parser.add_argument("--notebook", help="the output notebook, to hold against the receipt")
    parser.add_argument("--key", action="append", required=True, help="a verifier key of the log, from somebody you trust")
    args = parser.parse_args()
    try:
        keys = dict(map(log_key, args.key))
        data = os.listdir(args.path) if args.what == "export" else pathlib.Path(args.path).read_bytes()
        book = pathlib.Path(args.notebook).read_bytes() if args.notebook else None
    except (OSError, ValueError) as err:
        parser.error(str(err))
    try:
        proved, problems = receipt(data, keys, book) if args.what == "receipt" else __import__("export").check(args.path, keys)
    except (ValueError, RecursionError) as err:  # Bad, and what base64 and UTF-8 refuse
        proved, problems = [], [err]
    for line in [f"proved: {p}" for p in proved] + [f"not proved: {p}" for p in proved and NOT_PROVED] + [f"wrong: {p}" for p in problems]:
        print("".join(c if c.isprintable() else "?" for c in line))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
