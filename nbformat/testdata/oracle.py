"""Answers for many notebooks what Python's nbformat makes of them.

One JSON object a line on stdin, {"path": ...}; one JSON object a line on stdout:
canonical (nbformat.read and nbformat.write), upgraded (converted to 4.5, then
read and written), valid (isvalid by the default engine), jsonschema (the same by
the other engine), or what was raised instead.
"""
import io
import json
import logging
import sys
import warnings

import nbformat
from nbformat import validator

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


def write(nb):
    out = io.StringIO()
    nbformat.write(nb, out)
    text = out.getvalue()
    text.encode("utf-8")
    return text


def canonical(text):
    """The written form, the ids that nbformat made up taken out or put back."""
    raw = json.loads(text)
    nb = nbformat.reads(text, nbformat.NO_CONVERT)
    written = write(nb)
    masked = 0
    if nb.get("nbformat") == 4:
        for old, new in zip(raw["cells"], nb.cells):
            if old.get("id") == new.get("id"):
                continue
            masked += 1
            made = '   "id": %s,\n' % json.dumps(new["id"])
            assert written.count(made) == 1
            written = written.replace(made, '   "id": %s,\n' % json.dumps(old["id"]) if "id" in old else "")
    return written, masked


def upgraded(text):
    nb = nbformat.reads(text, nbformat.NO_CONVERT)
    if nb.get("nbformat", 1) < 4:
        nb = nbformat.convert(nb, 4)
    else:
        nb = nbformat.v4.upgrade(nb)
    nb = nbformat.reads(write(nb), nbformat.NO_CONVERT)
    for i, cell in enumerate(nb.cells):
        cell["id"] = "cell-%d" % i
    return write(nb), nbformat.validator.isvalid(nb)


def valid(text, engine):
    nb = json.loads(text)
    version, minor = validator.get_version(nb)
    if engine == "fastjsonschema":
        return validator.isvalid(nb)
    v = validator.get_validator(version, minor, name=engine)
    if v is None:
        return False
    ids = [c["id"] for c in nb.get("cells", []) if "id" in c] if (version, minor) >= (4, 5) else []
    if len(ids) != len(set(ids)):
        return False
    return next(iter(v.iter_errors(nb)), None) is None


def attempt(answer, key, f, *args):
    try:
        answer[key] = f(*args)
    except Exception as e:
        answer[key + "_error"] = "%s: %s" % (type(e).__name__, str(e)[:200])


for line in sys.stdin:
    case = json.loads(line)
    answer = {}
    if "text" in case:
        text = case["text"]
    else:
        with open(case["path"], encoding="utf-8") as f:
            text = f.read()
    for key in case["ask"]:
        if key == "canonical":
            attempt(answer, key, canonical, text)
        elif key == "upgraded":
            attempt(answer, key, upgraded, text)
        elif key == "valid":
            attempt(answer, key, valid, text, "fastjsonschema")
        elif key == "jsonschema":
            attempt(answer, key, valid, text, "jsonschema")
    print(json.dumps(answer), flush=True)
