"""Glues with the real scrapbook into notebooks, reads them back with it, and
prints one JSON object: for each case the notebook and what scrapbook found."""
import datetime as dt
import decimal
import json
import math
import sys
import warnings

warnings.simplefilter("ignore")

import nbformat
import numpy as np
import pandas as pd
import scrapbook as sb
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, Markdown, display
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_notebook, new_output
from scrapbook.models import Notebook

InteractiveShell.instance().log_level = 50


def outputs(*calls):
    made = []
    for call in calls:
        with capture_output() as c:
            call()
        for o in c.outputs:
            made.append(new_output("display_data", data=o.data or {}, metadata=o.metadata or {}))
    return made


def glue(*args, **kwargs):
    return lambda: sb.glue(*args, **kwargs)


def raw(data, metadata=None):
    return lambda: display(data, metadata=metadata or {}, raw=True)


def iso(t):
    s = t.isoformat()
    return (s.rstrip("0") if "." in s else s).rstrip(".")


def cell(v):
    """A value of a DataFrame as assay's tables hold it."""
    if isinstance(v, (list, np.ndarray)):
        return [cell(e) for e in v]
    if isinstance(v, dict):
        return {k: cell(e) for k, e in v.items()}
    if v is None or v is pd.NaT or v is pd.NA or (isinstance(v, float) and math.isnan(v)):
        return None
    if isinstance(v, (bool, np.bool_)):
        return bool(v)
    if isinstance(v, (int, np.integer)):
        return int(v)
    if isinstance(v, (float, np.floating)):
        f = float(str(v))
        return f if math.isfinite(f) else ("Infinity" if f > 0 else "-Infinity")
    if isinstance(v, bytes):
        import base64

        return base64.b64encode(v).decode()
    if isinstance(v, pd.Timestamp):
        return iso(v.tz_convert("UTC").tz_localize(None)) + "Z" if v.tz else iso(v)
    if isinstance(v, pd.Timedelta):
        return v.isoformat()
    if isinstance(v, dt.time):
        return iso(v)
    if isinstance(v, dt.date):
        return v.isoformat()
    return str(v)


def table(df):
    if not isinstance(df.index, pd.RangeIndex):
        df = df.reset_index()
    for name in df.select_dtypes("float32").columns:  # the shortest digits, as numpy shows them
        df = df.assign(**{name: df[name].astype(str).astype(float)})
    return {"columns": [str(c) for c in df.columns], "rows": [[cell(v) for v in row] for row in df.itertuples(index=False)]}


FRAME = pd.DataFrame(
    {
        "i": [1, 2, 3],
        "i8": np.array([1, -2, 3], dtype="int8"),
        "u": np.array([1, 2, 2**64 - 1], dtype="uint64"),
        "f": [1.5, float("nan"), float("inf")],
        "f4": np.array([1.1, 2, -3], dtype="float32"),
        "s": ["a", None, "ü\n"],
        "b": [True, False, None],
        "t": pd.to_datetime(["2024-01-01 10:00:00.123456789", None, "1960-02-03"], format="ISO8601"),
        "tz": pd.to_datetime(["2024-01-01", "2024-07-01", "2024-07-01 01:02:03.5"], format="ISO8601").tz_localize("Europe/Berlin"),
        "d": [dt.date(2020, 1, 1), None, dt.date(1950, 1, 1)],
        "tm": [dt.time(1, 2, 3), None, dt.time(0, 0, 0, 250000)],
        "td": pd.to_timedelta([1.5, -2, None], unit="s"),
        "dec": [decimal.Decimal("1.10"), None, decimal.Decimal("-3.25")],
        "cat": pd.Categorical(["x", "y", "x"]),
        "by": [b"\x00\xff", b"", None],
        "l": [[1, 2], [], None],
        "ll": [[[1], [2, 3]], [[]], [[], [4]]],
        "st": [{"a": 1, "b": "x"}, {"a": 2, "b": None}, None],
        "ls": [[{"q": [1, 2]}], [], [{"q": []}, {"q": None}]],
    }
)

CASES = {
    "json": [[glue("i", 1), glue("f", 1.5), glue("b", True), glue("l", [1, "two", None, {"three": 3.0}]), glue("d", {"k": [1]})]],
    "text": [[glue("s", "some text"), glue("n", "123"), glue("u", "ünï\ncode")]],
    "text of a number": [[glue("n", 7, "text")]],
    "json of a string": [[glue("n", "123", "json"), glue("o", '{"a": [1, 2]}', "json")]],
    "string inside json": [[raw({"application/scrapbook.scrap.json+json": {"name": "x", "data": "[1, 2", "encoder": "json", "version": 1}}), raw({"application/scrapbook.scrap.json+json": {"name": "y", "data": " [1, 2]", "encoder": "json", "version": 1}})]],
    "last wins, first place stays": [[glue("a", 1), glue("b", 2)], [glue("a", 3)]],
    "display": [[glue("h", HTML("<b>x</b>")), glue("m", Markdown("*x*"), display=True)]],
    "data and display": [[glue("both", "text", display=True)]],
    "display limited": [[glue("h", HTML("<b>x</b>"), display=["text/plain"])]],
    "one output": [[raw({"application/scrapbook.scrap.json+json": {"name": "x", "data": 1, "encoder": "json", "version": 1}, "text/plain": "one"}, {"scrapbook": {"name": "x", "data": True, "display": True}})]],
    "display then data": [[glue("x", HTML("x"))], [glue("x", 5)]],
    "records": [[raw({"application/papermill.record+json": {"old": [1, 2], "ignored": 3}}), raw({"application/papermill.record+json": {"s": "text"}}), raw({"application/papermill.record+json": {}})]],
    "old displays": [[raw({"text/plain": "shown"}, {"papermill": {"name": "shown"}}), raw({"text/plain": "x"}, {"papermill": {}})]],
    "newer version": [[raw({"application/scrapbook.scrap.json+json": {"name": "x", "data": 1, "encoder": "json", "version": 2}})]],
    "not finite": [[glue("nan", float("nan")), glue("inf", {"x": [float("inf"), -float("inf")]})]],
    "pandas": [[glue("frame", FRAME), glue("named index", FRAME[["i", "s"]].set_index("s")), glue("labels", pd.DataFrame({"x": [1.5, 2]}, index=["p", "q"]))]],
    "pandas, two levels": [[glue("frame", FRAME[["i", "i8", "f"]].set_index(["i", "i8"]))]],
    "pandas, empty": [[glue("no rows", FRAME[["i", "s"]].iloc[:0].reset_index(drop=True))]],
    "pandas, large": [[glue("frame", pd.DataFrame({"n": range(20000), "s": [f"row {i}" for i in range(20000)]}))]],
    "nothing": [[raw({"text/plain": "no scrap"})], []],
}

result = {}
for title, cells in CASES.items():
    nb = new_notebook(metadata={"papermill": {"parameters": {"z": 1, "a": [1, "x"], "none": None}}})
    for n, calls in enumerate(cells):
        c = new_code_cell(source="", outputs=outputs(*calls), execution_count=n + 1)
        if n == 0:
            c.metadata["papermill"] = {"duration": 0.25}
        nb.cells.append(c)
    # As it is when it comes from a file: scrapbook changes what it reads.
    text = nbformat.writes(nb)
    read = Notebook(nbformat.reads(text, as_version=4))
    read.path = "dir/nb.ipynb"
    scraps = []
    for name, s in read.scraps.items():
        data = {"table": table(s.data)} if isinstance(s.data, pd.DataFrame) else s.data
        scraps.append({"name": name, "encoder": s.encoder, "data": data, "display": s.display is not None})
    result[title] = {
        "notebook": text,
        "scraps": scraps,
        "metrics": read.metrics.values.tolist(),
        "parameters": read.parameter_dataframe.values.tolist(),
    }
    try:
        read.papermill_dataframe
        result[title]["papermill_dataframe"] = ""
    except Exception as e:
        result[title]["papermill_dataframe"] = f"{type(e).__name__}: {e}"
json.dump(result, sys.stdout)
