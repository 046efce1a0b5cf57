"""Named values out of a notebook, for programs that read it after it ran.

    import assay
    assay.glue("rows", 42)
    assay.glue("table", df)            # a pandas DataFrame
    assay.glue("plot", figure, display=True)

The outputs are those of scrapbook 0.5: `scrapbook.read_notebook` and
`assay scraps` read them. This module needs nothing but IPython, which every
ipykernel has; a run makes it importable, nothing has to be installed.
"""

import base64
import io
import json
import sys

__all__ = ["glue"]

_MIME = "application/scrapbook.scrap.{}+json"


def glue(name, data, encoder=None, display=None):
    """Record data under a name in the outputs of this cell.

    encoder is "text", "json", "pandas", "table" or "display"; by default it
    follows from the type: str is text; bool, int, float, list and dict are
    json; a pandas DataFrame is pandas (base64 of Parquet) where pyarrow can be
    imported, else table (JSON Table Schema); what IPython.display makes is
    display. A display has no data for programs, only a picture for people.

    display=True shows the data as well, under its name; a list of mime types
    shows only these; a dict holds arguments of format_display_data.
    """
    if encoder is None:
        encoder = _encoder_of(data)
        if encoder is None and display is not None:
            encoder = "display"
        if encoder is None:
            raise NotImplementedError(
                "assay.glue cannot record {!r} of type {}: give display=True, or convert it to "
                "text, numbers, lists or dicts".format(name, type(data).__name__)
            )
    if display is None:
        display = encoder == "display"
    if encoder != "display":
        payload = {"name": name, "data": _encode(encoder, data), "encoder": encoder, "version": 1}
        _publish({_MIME.format(encoder): payload}, {"scrapbook": {"name": name, "data": True, "display": False}})
    if display or isinstance(display, dict):
        _show(name, data, display)


def _encoder_of(data):
    if isinstance(data, str):
        return "text"
    if isinstance(data, (list, dict, int, float, bool)) or _is_number(data):
        return "json"
    shown = sys.modules.get("IPython.display")
    if shown is not None and isinstance(data, shown.DisplayObject):
        return "display"
    if _is_frame(data):
        return "pandas" if _has_pyarrow() else "table"
    return None


def _is_number(data):
    """Whether data is a scalar of NumPy, which is not loaded for this."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, (numpy.bool_, numpy.integer, numpy.floating))


def _is_frame(data):
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _has_pyarrow():
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return False
    return True


def _encode(encoder, data):
    if encoder == "text":
        return data if isinstance(data, str) else str(data)
    if encoder == "json":
        if isinstance(data, str):
            return json.loads(data)
        return data.item() if _is_number(data) else data
    if encoder == "pandas":
        raw = io.BytesIO()
        data.to_parquet(raw, engine="pyarrow")
        return base64.b64encode(raw.getvalue()).decode("ascii")
    if encoder == "table":
        return json.loads(data.to_json(orient="table", double_precision=15))
    raise ValueError("assay.glue has no encoder {!r}: text, json, pandas, table, display".format(encoder))


def _publish(bundle, metadata):
    from IPython.display import display

    display(bundle, metadata=metadata, raw=True)


def _show(name, data, how):
    from IPython.core.formatters import format_display_data

    if isinstance(how, (list, tuple)):
        bundle, metadata = format_display_data(data, include=how)
    elif isinstance(how, dict):
        bundle, metadata = format_display_data(data, **how)
    else:
        bundle, metadata = format_display_data(data)
    metadata["scrapbook"] = {"name": name, "data": False, "display": True}
    _publish(bundle, metadata)
