"""Runs notebooks with nbclient and prints what kinds of outputs they made."""
import json
import os
import sys

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../internal/testenv"))
from peer import start_again

PREFIX = "application/scrapbook.scrap."
results = []
for path in sys.argv[1:]:
    nb = nbformat.read(path, as_version=4)
    start_again(NotebookClient(nb, timeout=600, startup_timeout=300, iopub_timeout=60, kernel_name="python3").execute)
    kinds, glued, report = set(), {}, ""
    for output in (o for c in nb.cells for o in c.get("outputs", [])):
        if output.output_type == "stream":
            kinds.add("stream " + output.name)
        elif output.output_type == "error":
            kinds.add("error " + output.ename)
        for mime, value in output.get("data", {}).items():
            kinds.add(mime)
            if mime.startswith(PREFIX):
                glued[value["name"]] = value["data"]
            if mime == "text/markdown":
                report = value
    results.append({"Kinds": sorted(kinds), "Glued": glued, "Report": report})
json.dump(results, sys.stdout)
