"""Applies diffs with nbdime's own patch. Each line of standard input is a case
[a, diff, b] of file names; each line of the output is "ok" or what is wrong."""

import json
import sys

from nbdime.diff_utils import to_diffentry_dicts
from nbdime.patching import patch_notebook
from nbformat import v4


def read(name):
    with open(name, encoding="utf-8") as f:
        return v4.reads(f.read())


for a, diff, b in json.load(sys.stdin):
    try:
        with open(diff, encoding="utf-8") as f:
            patched = patch_notebook(read(a), to_diffentry_dicts(json.load(f)))
        same = v4.writes(patched) == v4.writes(read(b))
        print("ok" if same else "patch(a, diff) is not b")
    except Exception as e:
        print(type(e).__name__, str(e)[:300].replace("\n", " "))
