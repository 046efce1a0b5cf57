"""Diffs pairs of notebooks with nbdime: python nbdimediff.py < CASES.

CASES is a JSON list of pairs of paths. Printed is one line of JSON for each:
its diff, or null where nbformat or nbdime fails or a file is of nbformat 3.
Notebooks are read without validation, which would give cells new ids.
"""
import json
import logging
import sys

import nbformat
from nbdime import diff_notebooks
from nbdime.diff_utils import to_clean_dicts


def read(path):
    with open(path, encoding="utf8") as f:
        nb = nbformat.reader.reads(f.read())
    if nb.get("nbformat") != 4:
        raise ValueError("nbformat %s" % nb.get("nbformat"))
    return nb


logging.disable(logging.CRITICAL)
for a, b in json.load(sys.stdin):
    try:
        print(json.dumps(to_clean_dicts(diff_notebooks(read(a), read(b)))))
    except Exception:
        print("null")
