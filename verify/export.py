"""Checks an exported log (docs/log.md), for verify.py: entries, tiles, checkpoints, payloads."""
import contextlib
import os
import re

import formats
import tree
import verify
from formats import Bad, need

NAMED_KEYS = 10000  # of those that entries name, more are not looked at


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
                yield formats.read(line, pattern, path)


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
    shown = lines(folder, "payloads.jsonl", formats.PAYLOAD_LINE)
    history = list(lines(folder, "checkpoints.jsonl", formats.CHECKPOINT_LINE))
    need(all(a["size"] < b["size"] for a, b in zip(history, history[1:])), "checkpoints.jsonl: sizes do not rise")
    sizes, grown, log, payload, held, named = {h["size"] for h in history}, tree.Frontier(), origin, next(shown, None), 0, {}
    trees = {0: (None, grown.root())}  # by size, the log's name there and the root
    for index, leaf in enumerate(bundles(folder, size)):
        grown.add(tree.leaf(leaf))
        entry = formats.read_entry(leaf, f"entry {index}")
        if index == 0 or entry["kind"] == "log" and entry["subject"] == log:
            log = entry["log"]
        need(entry["log"] == log, f"entry {index} is of the log {entry['log']}, where those before it are of {log}")
        if grown.size in sizes:
            trees[grown.size] = log, grown.root()
        for k in entry["names"] + [entry["subject"]] if entry["kind"] in ("key", "log") else []:
            with contextlib.suppress(ValueError):
                who_else, key = verify.log_key(k)
                if len(named) < NAMED_KEYS:
                    named.setdefault(who_else, key)
        if payload and payload["index"] == index:
            held += len(verify.bound(entry, payload["commitments"], payload["payloads"]))
            payload = next(shown, None)
    need(payload is None, "payloads.jsonl: a line is of an entry that does not come there")
    need(top == grown.root(), f"checkpoint: it is not that of the {size} entries that are here")
    need(log == origin, f"checkpoint: it is of the log {origin}, the last entries are of {log}")
    believed = {**named, **keys}
    for h in history:
        signer, at, was, _ = verify.checkpoint(h["note"], believed)
        name_there, root_there = trees.get(at, ("", b""))
        need(at == h["size"] and was == root_there and (at == 0 or signer == name_there),  # an empty log has any name
             f"checkpoints.jsonl: that of size {h['size']} is not one of the entries that are here")
    for height, hashes in enumerate(grown.levels):
        for n in range(0, len(hashes), 256):
            path = f"tile/{height}/" + name(n // 256, len(hashes[n:n + 256]))
            need(load(folder, path) == b"".join(hashes[n:n + 256]), f"{path}: its hashes are not those of the entries")
    return [f"the export holds the whole log {origin}: {size} entries and all its tiles", verify.SIGNED.format(who, size),
            f"{len(history)} checkpoints that were signed earlier or now are all of this one log",
            f"{held} payloads are those that their entries are bound to"], []
