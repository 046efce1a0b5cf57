"""Answers of Python's own parts for differential tests: one JSON object in on
stdin, one out on stdout. A case that raises answers {"error": type and text}."""
import base64, datetime, json, sys


def answer(f, *args):
    try:
        return {"ok": f(*args)}
    except RecursionError as e:
        return {"error": "RecursionError"}
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"}


def load_yaml(text):
    import yaml

    # What papermill's loader is, without the seconds that importing papermill takes.
    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            k: [r for r in v if r[0] != "tag:yaml.org,2002:timestamp"]
            for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    v = yaml.load(text, Loader=Loader)
    return repr(v) if v else repr(v or {}) if isinstance(v, dict) or v is None else repr(v)


def resolve(text):
    v = {"True": True, "False": False, "None": None}.get(text, text)
    if v is text:
        for kind in (int, float):
            try:
                v = kind(text)
                break
            except ValueError:
                pass
    return f"{type(v).__name__} {v!r}"


def path(template, params):
    params = eval(params, {"datetime": datetime, "nan": float("nan"), "inf": float("inf")})
    pm = {
        "run_uuid": "7b1c8a52-0000-4000-8000-123456789abc",
        "current_datetime_local": datetime.datetime(2024, 2, 9, 5, 7, 3, 42),
        "current_datetime_utc": datetime.datetime(2024, 2, 9, 3, 7, 3, 42, tzinfo=datetime.timezone.utc),
    }
    return template.format(**{"pm": pm, **params})


def inspect(source):
    from papermill.translators import PythonTranslator

    return [list(p) for p in PythonTranslator.inspect({"source": source})]


def pyast(source):
    """Names assigned at the top level, with annotation, value's text and whether it is a literal's value."""
    import ast

    out = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            out.append([node.targets[0].id, "", ast.get_source_segment(source, node.value), node.lineno])
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            out.append([node.target.id, ast.get_source_segment(source, node.annotation), ast.get_source_segment(source, node.value), node.lineno])
    return out


def same(a, b):
    """Whether two source texts are the same expression."""
    import ast

    return ast.dump(ast.parse("(" + a + "\n)", mode="eval")) == ast.dump(ast.parse("(" + b + "\n)", mode="eval"))


def evaluate(code, names):
    env = {}
    exec(code, env)
    return repr([env[n] for n in names])


def json_dumps(expr):
    return json.dumps(eval(expr, {"nan": float("nan"), "inf": float("inf")}), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def help_text(path):
    import click
    from papermill.cli import papermill

    import io, contextlib
    from papermill.inspection import display_notebook_help

    out = io.StringIO()
    with contextlib.redirect_stdout(out), click.Context(papermill, info_name="papermill") as ctx:
        display_notebook_help(ctx, path, {})
    return out.getvalue()


def inject(text, params, report):
    """papermill's notebook after injection: type, source, tags and jupyter metadata of each cell."""
    import nbformat
    from papermill.parameterize import parameterize_notebook

    nb = nbformat.reads(text, 4)
    nb.metadata.setdefault("papermill", {})
    for cell in nb.cells:
        cell.metadata.setdefault("tags", [])  # as papermill does on reading
    params = eval(params)
    if params:
        nb = parameterize_notebook(nb, params, report)
    if report:
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.metadata["jupyter"] = cell.get("jupyter", {})
                cell.metadata["jupyter"]["source_hidden"] = True
    return [[c.cell_type, c.source, c.metadata.get("tags", []), c.metadata.get("jupyter", {})] for c in nb.cells]


FUNCTIONS = {f.__name__: f for f in (load_yaml, resolve, path, inspect, pyast, same, evaluate, json_dumps, help_text, inject)}
FUNCTIONS["repr"] = lambda expr: repr(eval(expr))
FUNCTIONS["reprs"] = lambda s: repr(s)

import logging

logging.disable(logging.CRITICAL)
cases = json.load(sys.stdin)
json.dump([answer(FUNCTIONS[c[0]], *c[1:]) for c in cases], sys.stdout)
