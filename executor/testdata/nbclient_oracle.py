"""Runs notebooks with nbclient; standard input is a JSON list of
{"notebook", "cwd", "allow_errors", "coalesce"}, the file named as argument
gets one JSON line each (kernels write to standard output as well):
{"cells": [{"outputs", "execution_count", "timing"}], "widgets"}."""

import json
import sys
import warnings

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

warnings.simplefilter("ignore")


def run(job):
    nb = nbformat.from_dict(job["notebook"])
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        nb,
        timeout=60,
        kernel_name="python3",
        allow_errors=job["allow_errors"],
        coalesce_streams=job["coalesce"],
        resources={"metadata": {"path": job["cwd"]}},
    )
    try:
        client.execute()
    except CellExecutionError:
        pass
    return {
        "cells": [
            {
                "outputs": c.get("outputs", []),
                "execution_count": c.get("execution_count"),
                "timing": sorted(c.metadata.get("execution", {})),
            }
            for c in nb.cells
        ],
        "widgets": nb.metadata.get("widgets"),
    }


with open(sys.argv[1], "w") as answers:
    for job in json.load(sys.stdin):
        print(json.dumps(run(job)), file=answers, flush=True)
