"""Runs papermill over the cases of papermill_test.go: python runcases.py CASES.json FOLDER.

Each case has a name, the notebook to run (a file in FOLDER), parameters and
keyword arguments; its output is written to FOLDER/NAME.papermill.ipynb.
Printed is one JSON object: for each case the exception that came out.
"""
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading


def run(job):
    folder, case = job
    import papermill

    logging.disable(logging.CRITICAL)
    os.chdir(folder)
    if case.get("interrupt"):
        threading.Timer(case["interrupt"], os.kill, (os.getpid(), signal.SIGINT)).start()
    error = None
    try:
        papermill.execute_notebook(
            case["input"],
            case["name"] + ".papermill.ipynb",
            parameters=case.get("parameters"),
            progress_bar=False,
            **case.get("arguments", {}),
        )
    except BaseException as e:  # KeyboardInterrupt is one of the cases
        error = type(e).__name__
    return case["name"], error, papermill.__version__


def main():
    with open(sys.argv[1]) as f:
        cases = json.load(f)
    results = {}
    # Some cases run the output of an earlier one.
    for again in (False, True):
        jobs = [(sys.argv[2], c) for c in cases if bool(c.get("again")) == again]
        with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=None) as pool:
            for name, error, version in pool.imap(run, jobs):
                results[name] = {"error": error, "version": version}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
