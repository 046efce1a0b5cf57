"""Runs notebooks with nbclient; standard input is a JSON list of
{"notebook", "cwd", "allow_errors", "coalesce"}, the file named as argument
gets one JSON line each (kernels write to standard output as well):
{"cells": [{"outputs", "execution_count", "timing"}], "widgets"}."""

import json
import os
import sys
import time
import warnings
from queue import Empty

import nbformat
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../internal/testenv"))
from peer import start_again

warnings.simplefilter("ignore")

get_msg = AsyncZMQSocketChannel.get_msg


async def get_msg_looking_again(self, timeout=None):
    """Does not trust in being woken: when nbclient sends what an Output widget
    shows just as the cell's reply comes, the one sign of the reply is lost, and
    it would be found when the time for the cell is over."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return await get_msg(self, timeout=0.2)
        except Empty:
            if end is not None and time.monotonic() > end:
                raise


AsyncZMQSocketChannel.get_msg = get_msg_looking_again


def run(job):
    nb = nbformat.from_dict(job["notebook"])
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        nb,
        timeout=600,
        startup_timeout=300,
        iopub_timeout=60,
        kernel_name="python3",
        allow_errors=job["allow_errors"],
        coalesce_streams=job["coalesce"],
        resources={"metadata": {"path": job["cwd"]}},
    )
    try:
        start_again(client.execute)
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
