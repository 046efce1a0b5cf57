"""Applies merge decisions with nbdime: python nbdimeapply.py < CASES.

CASES is a JSON list of pairs: the text of a base, and decisions. Printed is one
line of JSON for each: the notebook that nbdime makes of them, or what it said.
"""
import json
import logging
import os
import sys

import jsonschema
import nbdime
import nbformat
from nbdime.diff_utils import to_diffentry_dicts
from nbdime.merging.decisions import MergeDecision, apply_decisions

logging.disable(logging.CRITICAL)
folder = os.path.dirname(nbdime.__file__)
schemas = {}
for name in ("merge_format.schema.json", "diff_format.schema.json"):
    with open(os.path.join(folder, name)) as f:
        schemas["file:///" + name] = json.load(f)
schema = schemas["file:///merge_format.schema.json"]
resolver = jsonschema.RefResolver("file:///merge_format.schema.json", schema, store=schemas)
validator = jsonschema.Draft4Validator(schema, resolver=resolver)


def decision(d):
    d = {k: to_diffentry_dicts(v) if k.endswith("_diff") else v for k, v in d.items()}
    d["common_path"] = tuple(d["common_path"])
    return MergeDecision(d)


for base, decisions in json.load(sys.stdin):
    try:
        decisions = json.loads(decisions)
        validator.validate(decisions)
        nb = nbformat.reader.reads(base)
        merged = apply_decisions(nb, [decision(d) for d in decisions])
        print(json.dumps({"notebook": merged}))
    except Exception as e:
        print(json.dumps({"error": "%s: %s" % (type(e).__name__, str(e)[:500])}))
