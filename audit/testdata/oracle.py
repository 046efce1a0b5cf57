"""Answers questions of the Go tests with the verifier in verify/, one JSON line each: one process for all."""
import base64
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import verify

digest, export, formats = (verify.beside(name) if verify.beside("formats") else None for name in ("digest", "export", "formats"))


class File(bytes):
    """What stands in a file, without one."""

    def read_bytes(self):
        return self


def known(q):
    """The keys that a question gives: of logs, and of witnesses."""
    return dict(map(verify.vkey, q["keys"])), dict(verify.vkey(w, 4) for w in q.get("witnesses") or [])


def digests(q):
    if "path" in q:
        with open(q["path"], "rb") as f:
            data = f.read()
    else:
        data = q["text"].encode("utf-8", "surrogatepass")
    try:
        d = digest.notebook(data)
    except (ValueError, RecursionError) as err:
        return {"error": str(err)}
    cells = [{"source": c["source"].hex(), "outputs": c["outputs"].hex(), "rest": c["rest"].hex()} for c in d.pop("cells")]
    d = {k: v.hex() for k, v in d.items()}
    d["cells"] = cells if q.get("cells") else digest.digest("test", [c[p] for c in cells for p in ("source", "outputs", "rest")]).hex()
    return d


def encoding(q):
    return digest.enc(json.loads(q["json"], parse_int=digest.Int)).hex()


def both(*values):
    """One digest, as digest.py and verify.py have it: the second knows strings, bytes and arrays alone."""
    one, other = digest.digest(*values).hex(), verify.digest(*values)
    return one if other == "sha256:" + one else f"{one}, and {other} by verify.py"


def payload(q):
    return both("assay.payload.1", q["name"], bytes.fromhex(q["salt"]), q["data"])


def facts(q):
    return both("assay.facts.1", [[name, bytes.fromhex(d)] for name, d in q["commitments"]])


def secret(q):
    return digest.digest("assay.secret.1", q["name"], bytes.fromhex(q["salt"]), q["value"].encode()).hex()


def events(q):
    return digest.digest("assay.events.1", [e.encode() for e in q["events"]]).hex()


def mutants(data, ops):
    """All changes of one byte, in the order in which the Go tests make them."""
    for i, c in enumerate(data):
        for op in ops:
            if op == "delete":
                yield data[:i] + data[i + 1:]
            elif op == "double":
                yield data[:i + 1] + data[i:]
            elif op.startswith("set"):
                yield data[:i] + bytes([int(op[3:])]) + data[i + 1:]
            else:
                yield data[:i] + bytes([c ^ int(op[3:])]) + data[i + 1:]


def judge(receipt, keys, notebook):
    try:
        said = verify.receipt(File(receipt), *keys, None if notebook is None else File(notebook))
        return [line[7:] for line in said if line.startswith("wrong: ")]
    except (ValueError, RecursionError) as err:
        return [str(err)]


def flips(q):
    """One letter for each change: . for what still verifies, x for what does not."""
    keys = known(q)
    data, book = base64.b64decode(q["receipt"]), q.get("notebook") and base64.b64decode(q["notebook"])
    return "".join("x" if judge(m, keys, book) else "." for m in mutants(data, q["ops"]))


def texts(q):
    """One letter for each change of a text that an entry is, or is bound to: . for what is read, x for what is refused."""
    def taken(data):
        try:
            text = data.decode()
            if q["kind"] == "entry":
                return formats.read_entry(text, "entry")
            if q["kind"] == "checkpoints.jsonl":
                return formats.read(text, q["kind"])
            said = json.loads(text)
            return formats.read_payloads({"kind": q["kind"], "state": said.get("state") if isinstance(said, dict) else None}, {q["name"]: text})
        except (ValueError, RecursionError):
            return None
    return "".join("." if taken(m) else "x" for m in mutants(base64.b64decode(q["text"]), q["ops"]))


def receipts(q):
    """A letter for each receipt, and what is said first of those that verify."""
    keys = known(q)
    answers = []
    for data in map(base64.b64decode, q["receipts"]):
        try:
            answers.append(verify.receipt(File(data), *keys)[0].replace("proved:", ".", 1))
        except (ValueError, RecursionError) as err:
            answers.append(f"x {err}")
    return answers


def folders(q):
    """A letter for each folder with an export."""
    answers = []
    for folder, key in q["folders"]:
        try:
            export.check(folder, *known({"keys": [key], "witnesses": q.get("witnesses")}))
            answers.append(".")
        except (ValueError, RecursionError) as err:
            answers.append(f"x {err}")
    return answers


def notebooks(q):
    """The problems with each change of the notebook."""
    keys = known(q)
    data, book = base64.b64decode(q["receipt"]), base64.b64decode(q["notebook"])
    changed = mutants(book, q["ops"]) if q["ops"] else [book]
    return [judge(data, keys, m) for m in changed]


def exports(q):
    keys = known(q)
    answers = []
    for path in q["files"]:
        path = os.path.join(q["folder"], path)
        with open(path, "rb") as f:
            data = f.read()
        for m in mutants(data, q["ops"]):
            with open(path, "wb") as f:
                f.write(m)
            try:
                export.check(q["folder"], *keys)
                answers.append(".")
            except (ValueError, RecursionError):
                answers.append("x")
        with open(path, "wb") as f:
            f.write(data)
    try:
        export.check(q["folder"], *keys)
    except ValueError as err:
        return str(err)
    return "".join(answers)


for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(globals()[question["do"]](question)), flush=True)
