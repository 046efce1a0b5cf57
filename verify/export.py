"""Checks an exported log (docs/log.md), for verify.py: entries, tiles, checkpoints, payloads."""
import contextlib
import hashlib
import os
import re

import verify
from verify import need

formats = verify.beside("formats", must=True)
NAMED_KEYS = 10000  # of those that entries name, more are not looked at


def node(a, b):
    return hashlib.sha256(b"\1" + a + b).digest()


class Frontier:
    """A tree of RFC 6962 that grows leaf by leaf: size, root, and by level the hashes over 256 of the level below."""

    def __init__(self):
        self.size, self.edge, self.levels = 0, [], [[]]

    def add(self, h):
        self.levels[0].append(h)
        self.size, height, n = self.size + 1, 0, self.size
        while n & 1:
            h, n, height = node(self.edge.pop(), h), n >> 1, height + 1
            if height % 8 == 0:
                if height // 8 == len(self.levels):
                    self.levels.append([])
                self.levels[height // 8].append(h)
        self.edge.append(h)

    def root(self):
        """The root over all leaves (section 2.1)."""
        if not self.edge:
            return hashlib.sha256().digest()
        h = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            h = node(left, h)
        return h


def name(n, width):
    """Where tile n stands below its level's folder, with width of its 256 hashes or entries."""
    parts = re.findall("...", f"{n:0{-(-len(str(n)) // 3) * 3}}")
    return "/".join(["x" + p for p in parts[:-1]] + parts[-1:]) + ("" if width == 256 else f".p/{width}")


def load(folder, path):
    try:
        with open(os.path.join(folder, path), "rb") as f:
            return f.read()
    except OSError as err:
        raise ValueError(f"{path}: {err.strerror}") from None


def lines(folder, path):
    """The lines of a file that need not be there."""
    if os.path.exists(os.path.join(folder, path)):
        with open(os.path.join(folder, path), "rb") as f:
            for line in f:
                yield formats.read(line.decode(), path)


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


def check(folder, keys, witnesses=None, _=None):
    """All that can be said of an export, in lines; ValueError for the first thing that does not hold."""
    origin, size, top, said = verify.checkpoint(load(folder, "checkpoint").decode(), keys, witnesses)
    shown, history = lines(folder, "payloads.jsonl"), list(lines(folder, "checkpoints.jsonl"))
    need(all(a["size"] < b["size"] for a, b in zip(history, history[1:])), "checkpoints.jsonl: sizes do not rise")
    sizes, grown, log, payload, named = {h["size"] for h in history}, Frontier(), origin, next(shown, None), {}
    held = withheld = silent = 0
    trees = {0: (None, grown.root())}  # by size, the log's name there and the root
    for index, leaf in enumerate(bundles(folder, size)):
        grown.add(hashlib.sha256(b"\0" + leaf).digest())
        entry = formats.read_entry(leaf.decode(), f"entry {index}")
        if index == 0 or entry["kind"] == "log" and entry["subject"] == log:
            log = entry["log"]
        need(entry["log"] == log, f"entry {index} is of the log {entry['log']}, where those before it are of {log}")
        if grown.size in sizes:
            trees[grown.size] = log, grown.root()
        for k in entry["names"] + [entry["subject"]] if entry["kind"] in ("key", "log") else []:
            with contextlib.suppress(ValueError):
                who, key = verify.vkey(k)
                if len(named) < NAMED_KEYS:
                    named.setdefault(who, key)
        if payload and payload["index"] == index:
            there, hidden = verify.bound(entry, payload["commitments"], payload["payloads"])
            held, withheld, payload = held + len(there), withheld + len(hidden), next(shown, None)
        elif entry["facts"]:
            silent += 1
    need(payload is None, "payloads.jsonl: a line is of an entry that does not come there")
    need(top == grown.root(), f"checkpoint: it is not that of the {size} entries that are here")
    need(log == origin, f"checkpoint: it is of the log {origin}, the last entries are of {log}")
    past(history, trees, {**named, **keys})
    for height, hashes in enumerate(grown.levels):
        for n in range(0, len(hashes), 256):
            path = f"tile/{height}/" + name(n // 256, len(hashes[n:n + 256]))
            need(load(folder, path) == b"".join(hashes[n:n + 256]), f"{path}: its hashes are not those of the entries")
    return [f"proved: the export holds the whole log {origin}: {size} entries and all its tiles", *said,
            f"proved: {len(history)} checkpoints that were signed earlier or now are all of this one log",
            f"proved: {held} payloads are those that their entries are bound to",
            *[f"not shown: {withheld} payloads, which were withheld or erased"] * bool(withheld),
            *[f"not shown: what {silent} entries are bound to: the export has no line of their payloads"] * bool(silent)]


def past(history, trees, keys):
    """Holds earlier checkpoints against the trees of their sizes; the key that was given vouches for those that the log names."""
    for h in history:
        signer, at, was, _ = verify.checkpoint(h["note"], keys)
        name_there, root_there = trees.get(at, ("", b""))
        need(at == h["size"] and was == root_there and (at == 0 or signer == name_there),  # an empty log has any name
             f"checkpoints.jsonl: that of size {h['size']} is not one of the entries that are here")
