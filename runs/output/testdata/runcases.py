"""Runs papermill over the cases of papermill_test.go: python runcases.py CASES.json FOLDER.

Each case has a name, the notebook to run (a file in FOLDER), parameters and
keyword arguments; its output is written to FOLDER/NAME.papermill.ipynb. Its
kernel works in FOLDER/NAME, where the file "seen" has the text that papermill
got from it, and where a file "running" asks for an interrupt.
Printed is one JSON object: for each case the exception that came out.
"""
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time

import papermill

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../internal/testenv"))
from peer import start_again


def interrupt_when(path):
    """Does what Ctrl-C does as soon as there is a file at path."""
    while not os.path.exists(path):
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


def run(job):
    folder, case = job
    logging.disable(logging.CRITICAL)
    os.chdir(folder)
    cwd = os.path.join(folder, case["name"])
    os.mkdir(cwd)
    if case.get("interrupt"):
        threading.Thread(target=interrupt_when, args=(os.path.join(cwd, "running"),), daemon=True).start()
    error = None
    try:
        start_again(lambda: execute(case, cwd))
    except BaseException as e:  # KeyboardInterrupt is one of the cases
        error = type(e).__name__
    return case["name"], error, papermill.__version__


def execute(case, cwd):
    with open(os.path.join(cwd, "seen"), "w") as seen:  # what came of the cells' text
        papermill.execute_notebook(
            case["input"],
            case["name"] + ".papermill.ipynb",
            parameters=case.get("parameters"),
            progress_bar=False,
            cwd=cwd,
            stdout_file=seen,
            start_timeout=600,  # a loaded machine is no case
            iopub_timeout=600,
            **case.get("arguments", {}),
        )


def main():
    with open(sys.argv[1]) as f:
        cases = json.load(f)
    results = {}
    # Some cases run the output of an earlier one.
    # Forked: to import papermill takes longer than most cases do.
    with multiprocessing.get_context("fork").Pool(4) as pool:
        for again in (False, True):
            jobs = [(sys.argv[2], c) for c in cases if bool(c.get("again")) == again]
            for name, error, version in pool.imap(run, jobs, chunksize=1):
                results[name] = {"error": error, "version": version}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
