"""Writes scripts with jupytext and reads them back: the expected results.

Reads one JSON request a line: {"path": notebook} or {"nb": notebook object},
with "exts"; or {"text": script, "ext": extension}. Answers one JSON line each:
{"ext": {"text": script, "back": notebook read from it} or {"error": message}}.
"""
import copy, io, json, logging, sys, warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import jupytext, nbformat


def canonical(nb):
    """The notebook file that jupytext writes for nb, ids left out, as a string: it may hold NaN."""
    nb = json.loads(jupytext.writes(nb, "ipynb"))
    for cell in nb["cells"]:
        cell.pop("id", None)
    return json.dumps(nb)


def written(nb, ext, fmt):
    out = io.StringIO()
    jupytext.write(copy.deepcopy(nb), out, fmt=ext[1:] + ":" + fmt)
    return out.getvalue()


def answer(req):
    fmt = req.get("format", "percent")
    if "text" in req:
        try:
            return {"back": canonical(jupytext.reads(req["text"], req["ext"][1:] + ":" + fmt))}
        except Exception as e:
            return {"error": type(e).__name__ + ": " + str(e)[:200]}
    try:
        if "path" in req:
            nb = nbformat.read(req["path"], as_version=nbformat.NO_CONVERT)
        else:
            nb = nbformat.reads(json.dumps(req["nb"]), as_version=nbformat.NO_CONVERT)
        if nb["nbformat"] != 4:
            return {"error": "nbformat %d" % nb["nbformat"]}
    except Exception as e:
        return {"error": type(e).__name__ + ": " + str(e)[:200]}
    result = {}
    for ext in req["exts"]:
        try:
            text = written(nb, ext, fmt)
        except Exception as e:
            result[ext] = {"error": type(e).__name__ + ": " + str(e)[:200]}
            continue
        try:
            result[ext] = {"text": text, "back": canonical(jupytext.reads(text, ext[1:] + ":" + fmt))}
        except Exception as e:
            result[ext] = {"text": text, "readError": type(e).__name__ + ": " + str(e)[:200]}
    return {"exts": result}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=False)
