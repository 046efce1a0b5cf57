"""The formats of docs/receipt.md and docs/log.md, as patterns of their text: there is one text for each meaning."""
import json
import re


def many(p):
    return rf"\[(?:{p}(?:,{p})*)?\]"


def obj(*members):
    """An object: names in their order, each with the pattern of its value; a name with ? may be absent."""
    parts = [f'"{n}":{p}' if n[-1] != "?" else f'(?:,"{n[:-1]}":{p})?' for n, p in zip(members[::2], members[1::2])]
    return "{" + "".join(p if i == 0 or p[0] == "(" else "," + p for i, p in enumerate(parts)) + "}"


def by(who, *members):
    """A payload of a run, of version 1."""
    return obj("version", "1", "by", f'"{who}"', *members)


def strings(*names):
    return [part for n in names for part in (n, S)]


S = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*)*"'  # a string
N, H, K = "(?:0|[1-9][0-9]{0,15})", '"[0-9a-f]{64}"', '"sha256:(?!0{64})[0-9a-f]{64}"'  # a number, a hash, a digest
D = f'(?:""|{K})'  # a digest that may be unknown
LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
DATE = f"(?:[0-9]{{4}}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|{LEAP})"
TIME = rf'"{DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"'
NAME = r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]+"  # of a key: no space, no plus sign

ENTRY = obj("version", "1", "kind", '(?!"")' + S, "id", '(?!"")' + S, "log", '(?!"")' + S, "time", TIME, *strings("state", "subject"), "names", many(S), "facts", D)
SHOWN = ("commitments", many(obj("name", S, "digest", K)), "payloads", many(obj("name", '(?!"secrets")' + S, "salt", H, "data", S)))
RECEIPT = obj("version", "1", "log", S, "index", N, "entry", S, *SHOWN, "proof", many(H), "checkpoint", S, "keys", many(S), "ephemeral", "(?:true|false)") + "\n"
PAYLOAD_LINE = obj("index", N, *SHOWN) + "\n"
CHECKPOINT_LINE = obj("size", N, "note", S) + "\n"

PARAMETER = f'(?:{obj("name", S, "secret", S, "commitment", D)}|{obj("name", S, "value", S)})'
LIST = obj(*strings("interpreter", "version", "platform", "manager", "source"), "packages", many(rf"\[{S},{S},{S}\]"), "gaps", many(S))
CELL = obj(*strings("id", "type", "state"), "execution_count?", N, "source", D, "outputs", D, "rest", D, "masked?", many(S))
PAYLOADS = {
    "input": by("assay", "file", D, "source", D, "size", N),
    "parameters": by("assay", "parameters", many(PARAMETER)),
    "kernel": by("kernel", *strings("name", "display_name", "language", "language_version", "implementation", "implementation_version", "protocol_version", "via")),
    "environment": by("assay", "digest", D, "environment", LIST),
    "cells": by("assay", "cells", many(CELL)),
    "output": by("assay", "file", D, "source", D, "outputs", D, "rest", D, "size", N),
    "scraps": by("kernel", "scraps", many(obj("name", S, "digest", D))),
    "names": by("assay", *strings("input", "output", "user", "host", "asked_by")),
    "result": by("assay", *strings("state", "reason", "trigger"), "start", TIME, "end", TIME, *strings("assay", "completeness")),
    "events": by("assay", "digest", D, "count", N),
}


class Bad(ValueError):
    """What does not hold, in words."""


def need(ok, what):
    if not ok:
        raise Bad(what)


def read(data, pattern, what):
    def number(s):
        need(int(s) < 1 << 53, f"{what}: a number above 2^53-1")
        return int(s)
    text = data.decode() if isinstance(data, bytes) else data
    need(re.fullmatch(pattern, text), f"{what}: not as assay writes it")
    return json.loads(text, parse_int=number)


def read_entry(text, what):
    e = read(text, ENTRY, what)
    said = [e[name] for name in ("kind", "id", "log", "state", "subject")] + e["names"]
    need(len(text if isinstance(text, bytes) else text.encode()) < 1 << 16 and len(e["names"]) <= 32 and all(len(s.encode()) <= 1024 for s in said),
         f"{what}: longer than an entry, its list or a string in it may be")
    return e
