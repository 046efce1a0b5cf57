# Runs nbstripout in this process over notebooks and option sets and compares
# what it makes with what Go made. One question a line of stdin:
# {"path" or "text", "cases": [{"args": [...], "ours": text or null}]}; one answer a
# line of stdout: per case {"error": ..., "diffs": [[path, theirs, ours], ...]}.
# "validate": true leaves nbformat's repair of ids in; otherwise only
# nbstripout's own doing is compared.
import copy, io, json, subprocess, sys

import nbformat
import nbstripout._nbstripout as nbs

MISSING = "(missing)"


def no_git(*args, **kwargs):
    raise subprocess.CalledProcessError(1, args)


class Stream:
    def __init__(self):
        self.buffer = io.BytesIO()


def diffs(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from diffs(a.get(key, MISSING), b.get(key, MISSING), path + "/" + key)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from diffs(x, y, f"{path}/{i}")
    elif type(a) is not type(b) or (a != b and not (a != a and b != b)):
        yield [path, short(a), short(b)]


def short(v):
    return json.dumps(v, default=repr)[:200]


nbs.check_output = no_git
real_read, real_validate = nbformat.read, nbformat.validate
stdin, stdout, stderr, written = sys.stdin, sys.stdout, sys.stderr, None


def capture(nb, stream):
    global written
    written = nb


nbformat.write = capture
for line in stdin:
    q = json.loads(line)
    nbformat.validate = real_validate if q.get("validate") else lambda nb, **kw: None
    text = q.get("text") or open(q["path"], encoding="utf8").read()
    try:
        original = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    except Exception as e:
        print(json.dumps([{"error": "unread: " + type(e).__name__, "diffs": []} for _ in q["cases"]]), flush=True)
        continue
    nbformat.read = lambda stream, as_version: copy.deepcopy(original)
    answers = []
    for case in q["cases"]:
        sys.argv = ["nbstripout"] + case["args"]
        sys.stdin, sys.stdout, sys.stderr, written = Stream(), Stream(), io.StringIO(), None
        answer = {"error": "", "diffs": []}
        try:
            nbs.main()
        except Exception as e:
            answer["error"] = type(e).__name__ + ": " + str(e)
        sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
        if written is not None and case["ours"] is not None:
            ours = nbformat.reads(case["ours"], as_version=nbformat.NO_CONVERT)
            answer["diffs"] = list(diffs(written, ours))
        answers.append(answer)
    print(json.dumps(answers), flush=True)
