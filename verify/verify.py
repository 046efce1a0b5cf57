#!/usr/bin/env python3
"""Verifies assay's receipts (docs/receipt.md) and logs, sharing no code with assay. Needs Python 3.9 and the package cryptography.

  verify.py receipt OUT.receipt.json [--notebook OUT] --key VKEY [--witness VKEY]
  verify.py export DIR --key VKEY [--witness VKEY]

Exit 0: what was checked holds; 1: something does not; 2: wrong use or no file. A receipt takes this file alone: verify.py, 149 lines.
Files beside it add to that: formats.py, 73, forms of payloads; digest.py, 147, which cells differ; witness.py, 22; export.py, 127."""
import argparse, base64, hashlib, importlib, json, pathlib, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAME = r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]+"  # of a key: no space, no plus sign
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?"  # in its one spelling
NOTE = rf"(([^\n]+)\n(0|[1-9][0-9]{{0,15}})\n((?=.{{44}}\n){BASE64})\n)\n((?:\u2014 {NAME} {BASE64}\n){{1,100}})"
STRING = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*)*"'  # escaped in one way
HASH, DIGEST, NUMBER = '"[0-9a-f]{64}"', '"sha256:(?!0{64})[0-9a-f]{64}"', "(?:0|[1-9][0-9]{0,15})"
RECEIPT = (rf'{{"version":1,"log":{STRING},"index":{NUMBER},"entry":{STRING},'  # json.loads minds the commas
           rf'"commitments":\[(?:{{"name":{STRING},"digest":{DIGEST}}},?)*\],'
           rf'"payloads":\[(?:{{"name":(?!"secrets"){STRING},"salt":{HASH},"data":{STRING}}},?)*\],'
           rf'"proof":\[(?:{HASH},?)*\],"checkpoint":{STRING},"keys":\[(?:{STRING},?)*\],"ephemeral":(?:true|false)}}\n')
ENTRY = (rf'{{"version":1,"kind":{STRING},"id":{STRING},"log":{STRING},"time":{STRING},"state":{STRING},"subject":{STRING},'
         rf'"names":\[(?:{STRING},?)*\],"facts":(?:""|{DIGEST})}}')

def need(ok, what):
    if not ok:
        raise ValueError(what)
    return ok

def beside(name, must=False):
    """The module in the file of that name beside this one, and of no other; None, or OSError, when there is none."""
    path = pathlib.Path(__file__).resolve().with_name(f"{name}.py")
    return importlib.import_module(name) if path.is_file() or must and path.stat() else None

def digest(*values):
    """The digest over strings, bytes and arrays that docs/digests.md defines."""
    def encode(v):
        v = v.encode() if isinstance(v, str) else v
        kind, content = (b"l", b"".join(map(encode, v))) if isinstance(v, list) else (b"s", v)
        return kind + len(v).to_bytes(8, "big") + content
    return "sha256:" + hashlib.sha256(b"".join(map(encode, values))).hexdigest()

def bound(entry, commitments, payloads):
    """Holds payloads against commitments, and those against the entry: the payloads by name, and the names of those not shown."""
    want, shown = {c["name"]: c["digest"] for c in commitments}, {p["name"]: p["data"] for p in payloads}
    facts = digest("assay.facts.1", [[n, bytes.fromhex(d[7:])] for n, d in want.items()]) if want else ""
    need(entry["facts"] == facts and len(want) == len(commitments), "payloads: the list of commitments is not the one in the entry")
    need([n for n in want if n in shown] == [p["name"] for p in payloads], "payloads: not in the order of the commitments")
    for p in payloads:
        own = digest("assay.payload.1", p["name"], bytes.fromhex(p["salt"]), p["data"])
        need(own == want[p["name"]], f"payloads: {p['name']} is not what the entry is bound to")
    return shown, [n for n in want if n not in shown and n != "secrets"]

def vkey(text, algorithm=1):
    """A verifier key of a log (C2SP signed-note): NAME+HASH, as which it signs, and the key's bytes."""
    m = re.fullmatch(rf"({NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]{{44}})", text)
    raw = base64.b64decode(m[3]) if m else b"\0"
    need(raw[0] == algorithm and hashlib.sha256(f"{m[1]}\n".encode() + raw).hexdigest()[:8] == m[2], "not such a key: NAME+HASH+KEY")
    return f"{m[1]}+{m[2]}", raw[1:]

def checkpoint(note, keys, witnesses=None):
    """Opens a signed checkpoint (C2SP signed-note, tlog-checkpoint): origin, size, root, and what its signatures prove."""
    m = re.fullmatch(NOTE, note)
    need(m and int(m[3]) < 1 << 53 and len(note.encode()) <= 1 << 20 and not re.search("[\0-\t\v-\x1f]", note), "checkpoint: malformed")
    lines = [(name, base64.b64decode(text)) for name, text in re.findall("\u2014 (.+) (.+)\n", m[5])]
    signed = {f"{name}+{raw[:4].hex()}": raw[4:] for name, raw in lines if len(raw) > 4}
    need(len(signed) == len(lines), "checkpoint: a signature is malformed, or a key has signed twice")
    ours = sorted(signed.keys() & keys.keys())
    need(any(key[:-9] == m[2] for key in ours), f'checkpoint: no key that was given signed this checkpoint of the log "{m[2]}"')
    said = ["not proved: that what was recorded is true: the kernel's reports are its own word, and a notebook that ran under "
            "the same user could have reached the log and its key"]
    for key in ours:
        try:
            Ed25519PublicKey.from_public_bytes(keys[key]).verify(signed[key], m[1].encode())
        except InvalidSignature:
            raise ValueError(f"checkpoint: invalid signature for key {key}") from None
        said.append(f"proved: the key {key}, which you gave, signed this tree of {m[3]} entries: none can be changed or left out")
    seen = beside("witness", must=True).seen(m[1], signed, witnesses) if witnesses else []
    unseen = ["not proved: that the log's owner shows everybody the same log: no witness that you gave cosigned"]
    return m[2], int(m[3]), base64.b64decode(m[4]), said + (seen or unseen)

def climb(h, index, size, proof):
    """The root to which an inclusion proof leads from the hash of a leaf (RFC 6962, 2.1.1)."""
    inner = (index ^ (size - 1)).bit_length()  # above that the way is along the tree's right edge, where what joins is to the left
    need(len(proof) == inner + bin(index >> inner).count("1"), "proof: it is too long or too short")
    for level, other in enumerate(proof):
        h = hashlib.sha256(b"\1" + (other + h if level >= inner or index >> level & 1 else h + other)).digest()
    return h

def receipt(path, keys, witnesses=None, notebook=None):
    """All that can be said of a receipt, and of a notebook beside it, in lines; ValueError when the receipt does not hold."""
    r = json.loads(need(re.fullmatch(RECEIPT, path.read_bytes().decode()), "receipt: not as assay writes it")[0])
    e = json.loads(need(re.fullmatch(ENTRY, r["entry"]), "entry: not as assay writes it")[0])
    shown, hidden = bound(e, r["commitments"], r["payloads"])
    origin, size, root, signed = checkpoint(r["checkpoint"], keys, witnesses)
    need(all(map(vkey, r["keys"])) and r["log"] == origin, f"receipt: it is of the log {r['log']}, its checkpoint of {origin}")
    leaf, proof = hashlib.sha256(b"\0" + r["entry"].encode()).digest(), [bytes.fromhex(h) for h in r["proof"]]
    need(r["index"] < size and climb(leaf, r["index"], size, proof) == root, "proof: it does not lead from the entry to the root")
    formats = beside("formats")
    facts = formats.facts(r["entry"], shown) if formats else {}
    state, subject = (s if re.fullmatch("[a-z0-9_-]+", s) else json.dumps(s) for s in (e["state"], e["subject"]))
    run, recovered = e["kind"] == "run", e["kind"] == "recovered"
    output = shown.get("output") if run or recovered else None
    said = [  # what is to be said, and when; first of all that a receipt which holds need not be of a run that succeeded
        (run and state == "succeeded", "proved: assay recorded that the run succeeded"),
        (run and state != "succeeded", f"proved: the run did NOT succeed: assay recorded that it ended {state}"),
        (recovered, f"proved: assay recorded that it recovered a notebook from the journal of the run {subject}, which was interrupted"),
        (recovered, "not proved: that this journal is what the run wrote: it lay unsigned on the disk until it was recovered"),
        (True, f"proved: the entry of {e['kind']} {e['id']} stands at place {r['index']} of the log {origin}"),
        (not formats, "not proved: that entry and payloads have the forms that assay writes: formats.py is not beside this file"),
        (e["log"] != origin, f"not proved: that the entry was first written in this log: it names the log {e['log']}"),
        (r["ephemeral"], "not proved: whose log it is beyond this one job: its key is ephemeral, made in a throwaway place"),
        (hidden, f"not shown: the payloads {', '.join(hidden)}, withheld or erased"),
        (output and notebook is None, "not proved: that a notebook is the one of this receipt: none was given to compare")]
    said = [line for so, line in said if so] + signed
    return said if notebook is None else said + compare(notebook.read_bytes(), e["kind"], output, facts)

def compare(notebook, kind, output, facts):
    """Holds a notebook against the payload output, and tells where it differs if the forms of the payloads were checked."""
    need(output, "notebook: the receipt shows no output, so no notebook can be held against it")
    own = "sha256:" + hashlib.sha256(notebook).hexdigest()
    if output.startswith(f'{{"version":1,"by":"assay","file":"{own}",'):
        return ["proved: the notebook is, byte for byte, " + ("the output of this run" if kind == "run" else "what assay recovered")]
    differ = ["where it differs cannot be told: that takes digest.py and formats.py beside this file"]
    if facts and beside("digest"):
        differ = beside("digest").differences(notebook, facts["output"], facts.get("cells", {}).get("cells"))
    return [f"wrong: notebook: {p}" for p in [f"the file is not the run's output: it is {own}", *differ]]

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["receipt", "export"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--notebook", type=pathlib.Path, help="the output notebook, to hold against the receipt")
    parser.add_argument("--key", type=vkey, action="append", required=True, help="a verifier key of the log, from somebody you trust")
    parser.add_argument("--witness", type=lambda text: vkey(text, 4), action="append", default=[], help="a witness's verifier key")
    args = parser.parse_args()
    try:
        check = receipt if args.what == "receipt" else beside("export", must=True).check
        said = check(args.path, dict(args.key), dict(args.witness), args.notebook)
    except OSError as err:
        parser.error(str(err))
    except ValueError as err:
        said = [f"wrong: {err}"]
    for line in sorted(said, key=lambda line: ("proved", "not proved", "not shown", "wrong").index(line.split(":")[0])):
        print("".join(c if c.isprintable() else "?" for c in line))
    sys.exit(any(line.startswith("wrong: ") for line in said))

if __name__ == "__main__":
    main()
