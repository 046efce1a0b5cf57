"""The digests of notebooks that docs/digests.md defines, with the standard library alone."""
import hashlib
import json
import struct
import sys


class Int(str):
    """A whole number, by its digits."""


def utf8(text):
    return text.encode("utf-8", "surrogatepass")


def sized(kind, data):
    return kind + struct.pack(">Q", len(data)) + data


def enc(v):
    """One value in the encoding that all digests go over: a letter, a length, the bytes."""
    if v is None or isinstance(v, bool):
        return {None: b"n", True: b"t", False: b"f"}[v]
    if isinstance(v, bytes):
        return sized(b"s", v)
    if isinstance(v, Int):
        return sized(b"i", b"0" if v == "-0" else v.encode())
    if isinstance(v, str):
        return sized(b"s", utf8(v))
    if isinstance(v, float):
        return b"d" + (struct.pack(">d", v) if v == v else b"\x7f\xf8" + bytes(6))
    if isinstance(v, list):
        return b"l" + struct.pack(">Q", len(v)) + b"".join(map(enc, v))
    return b"o" + struct.pack(">Q", len(v)) + b"".join(enc(k) + enc(v[k]) for k in sorted(v, key=utf8))


def digest(domain, *values):
    return hashlib.sha256(enc(domain) + b"".join(map(enc, values))).digest()


def text(v):
    """An array of strings is the text that it stands for."""
    return "".join(v) if isinstance(v, list) and all(type(line) is str for line in v) else v


def bundle(v):
    def is_json(mime):
        return mime == "application/json" or mime.startswith("application/") and mime.endswith("+json")
    return {mime: m if is_json(mime) else text(m) for mime, m in v.items()} if isinstance(v, dict) else v


def output(v):
    join = {"text": text, "data": bundle}
    return {k: join.get(k, lambda m: m)(m) for k, m in v.items()} if isinstance(v, dict) else v


def cell(c):
    c = dict(c) if isinstance(c, dict) else {}
    kind, source, at, out = (c.pop(k, None) for k in ("cell_type", "source", "attachments", "outputs"))
    at = {name: bundle(m) for name, m in at.items()} if isinstance(at, dict) else at
    out = [output(o) for o in out] if isinstance(out, list) else out
    name = c.get("id")
    return {"id": name if type(name) is str else "", "type": text(kind) if type(kind) is str else "", "count": c.get("execution_count"),
            "source": digest("assay.cell.source.1", kind, text(source), at),
            "outputs": digest("assay.cell.outputs.1", out), "rest": digest("assay.cell.rest.1", c)}


def depth(v):
    return 1 + max(map(depth, v.values() if isinstance(v, dict) else v), default=0) if isinstance(v, (dict, list)) else 0


def notebook(data):
    """All digests of a notebook of nbformat 4; ValueError for anything else."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))
    try:
        nb = json.loads(data.decode("utf-8"), parse_int=Int)
        deep = depth(nb) > 512
    except RecursionError:
        deep = True
    version = nb.get("nbformat") if not deep and isinstance(nb, dict) else None
    if type(version) not in (Int, float) or float(version) != 4 or not isinstance(nb.get("cells"), list):
        raise ValueError("not a notebook of nbformat 4")
    cells = [cell(c) for c in nb.pop("cells")]
    return {"source": digest("assay.notebook.source.1", [c["source"] for c in cells]),
            "outputs": digest("assay.notebook.outputs.1", [c["outputs"] for c in cells]),
            "rest": digest("assay.notebook.rest.1", nb), "cells": cells}


def differences(data, out, cells):
    """Says where a notebook differs from what a receipt's payloads output and cells say of it, in sentences."""
    try:
        now = notebook(data)
    except ValueError as err:
        return [f"where it differs cannot be told: {err}"]
    hexed = {part: "sha256:" + now[part].hex() for part in ("source", "outputs", "rest")}
    if not out["source"]:
        return ["where it differs cannot be told: the run's output was no notebook of nbformat 4"]
    if cells is None:
        words = {"source": "the source of some cell differs; which one", "outputs": "the outputs of some cell differ; of which one"}
        said = [f"{words[part]}, the receipt does not show" for part in words if hexed[part] != out[part]]
    else:
        said = list(compare([{**c, **{p: "sha256:" + c[p].hex() for p in hexed}} for c in now["cells"]], cells))
    if hexed["rest"] != out["rest"]:
        said.append("the notebook's own metadata or format version differ")
    return said or ["no source, output or metadata differs: the change is in the formatting" if cells is not None
                    else "no source or output differs: the change is in the cells' metadata, ids or counts, or in the formatting"]


def compare(now, was):
    """Names the cells that differ: those left between equal beginnings and ends, by their places, or by id and source."""
    def same(a, b):
        return all(a[p] == b[p] for p in ("source", "outputs", "rest"))
    shorter, start, back = min(len(now), len(was)), 0, 0
    while start < shorter and same(now[start], was[start]):
        start += 1
    while back < shorter - start and same(now[-1 - back], was[-1 - back]):
        back += 1
    left, missing = list(range(start, len(now) - back)), list(range(start, len(was) - back))
    if len(now) != len(was):
        yield f"it has {len(now)} cells, the run's output had {len(was)}"
    partner = {i: i for i in left} if len(now) == len(was) else {}
    for part in ("id", "source") if len(now) != len(was) else ():
        free, taken = {}, set(partner.values())
        for j in reversed(missing):
            free.setdefault(was[j][part], []).extend([j] * (j not in taken))
        for i in left:
            if i not in partner and now[i][part] and free.get(now[i][part]):
                partner[i] = free[now[i][part]].pop()
    for i in left:
        a, j, named = now[i], partner.get(i), f"cell {i + 1}" + (f" (id {now[i]['id']})" if now[i]["id"] else "")
        if j is None:
            yield f"{named} is not in the run's output"
            continue
        yield from (f"{named} differs in its {part}" for part in ("source", "outputs") if a[part] != was[j][part])
        if a["rest"] != was[j]["rest"]:
            counts = [str(c) if type(c) in (Int, int) else "" for c in (a["count"], was[j].get("execution_count"))]
            yield f"{named} differs in its " + (f"id, which was {json.dumps(was[j]['id'])}" if a["id"] != was[j]["id"]
                                               else "execution count" if counts[0] != counts[1] else "metadata")
    for j in sorted(set(missing) - set(partner.values())):
        yield f"cell {j + 1} of the run's output" + (f" (id {was[j]['id']})" if was[j]["id"] else "") + " is gone"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, "rb") as f:
            d = notebook(f.read())
        print(d["source"].hex(), d["outputs"].hex(), d["rest"].hex(), path)
