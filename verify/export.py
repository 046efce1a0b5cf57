"""Checks an exported log (docs/log.md), for verify.py: entries, tiles, checkpoints, payloads."""
import contextlib
import os
import re

import tree
import verify
from verify import Bad, need

LINE = f'{{"index":{verify.N},{verify.SHOWN}}}\n'
NOTE = f'{{"size":{verify.N},"note":{verify.S}}}\n'


def name(n, width):
    """Where tile n stands below its level's folder, with width of its 256 hashes or entries."""
    parts = re.findall("...", f"{n:0{-(-len(str(n)) // 3) * 3}}")
    return "/".join(["x" + p for p in parts[:-1]] + parts[-1:]) + ("" if width == 256 else f".p/{width}")


def load(folder, path):
    try:
        with open(os.path.join(folder, path), "rb") as f:
            return f.read()
    except OSError as err:
        raise Bad(f"{path}: {err.strerror}") from None


def lines(folder, path, pattern):
    """The lines of a file that need not be there."""
    if os.path.exists(os.path.join(folder, path)):
        with open(os.path.join(folder, path), "rb") as f:
            for line in f:
                yield verify.read(line, pattern, path)


def bundles(folder, size):
    for start in range(0, size, 256):
        width = min(256, size - start)
        path = "tile/entries/" + name(start // 256, width)
        data, at, count = load(folder, path), 0, 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at:at + 2], "big")
            need(at + 2 <= len(data) and end <= len(data), f"{path}: cut short")
            yield data[at + 2:end]
            at, count = end, count + 1
        need(count == width, f"{path}: {count} entries, want {width}")


def check(folder, keys):
    """What is proved, in sentences; Bad for the first thing that does not hold."""
    origin, size, top, who = verify.checkpoint(load(folder, "checkpoint").decode(), keys)
    shown = lines(folder, "payloads.jsonl", LINE)
    history = list(lines(folder, "checkpoints.jsonl", NOTE))
    need(all(a["size"] < b["size"] for a, b in zip(history, history[1:])), "checkpoints.jsonl: sizes do not rise")
    payload, held, level, named, logs = next(shown, None), 0, [], dict(keys), [origin]
    for index, leaf in enumerate(bundles(folder, size)):
        level.append(tree.leaf(leaf))
        entry = verify.read(leaf, verify.ENTRY, f"entry {index}")
        if index == 0 or entry["kind"] == "log" and entry["subject"] == logs[-1]:
            log = entry["log"]
        need(entry["log"] == log, f"entry {index} is of the log {entry['log']}, where those before it are of {log}")
        logs.append(log)
        for k in entry["names"] + [entry["subject"]] if entry["kind"] in ("key", "log") else []:
            with contextlib.suppress(ValueError):
                named.update([verify.log_key(k)])
        if payload and payload["index"] == index:
            held += len(verify.bound(entry, payload["commitments"], payload["payloads"]))
            payload = next(shown, None)
    need(payload is None, "payloads.jsonl: a line is of an entry that does not come there")
    need(top == tree.root(level), f"checkpoint: it is not that of the {size} entries that are here")
    need(logs[-1] == origin, f"checkpoint: it is of the log {origin}, the last entries are of {logs[-1]}")
    for h in history:
        signer, at, was, _ = verify.checkpoint(h["note"], named)
        need(signer in logs[at:at + 1] and at == h["size"] and was == tree.root(level[:at]),
             f"checkpoints.jsonl: that of size {h['size']} is not one of the entries that are here")
    height = 0
    while level:
        for n in range(0, len(level), 256):
            path = f"tile/{height}/" + name(n // 256, len(level[n:n + 256]))
            need(load(folder, path) == b"".join(level[n:n + 256]), f"{path}: its hashes are not those of the entries")
        level, height = [tree.root(level[n:n + 256]) for n in range(0, len(level) - 255, 256)], height + 1
    return [f"the export holds the whole log {origin}: {size} entries and all its tiles", verify.SIGNED.format(who, size),
            f"{len(history)} checkpoints that were signed earlier or now are all of this one log",
            f"{held} payloads are those that their entries are bound to"], []
