"""The Merkle tree of RFC 6962."""
import hashlib


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(a, b):
    return hashlib.sha256(b"\1" + a + b).digest()


class Frontier:
    """A tree that grows leaf by leaf: size, its root at any moment, and by level the hashes over 256 of the level below."""

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


def climb(h, index, size, proof):
    """The root to which an inclusion proof leads from a leaf's hash (RFC 9162, 2.1.3.2), None if to none."""
    last = size - 1
    for p in proof:
        if last <= 0:
            return None
        h = node(p, h) if index & 1 or index == last else node(h, p)
        while index == last and not index & 1 and index:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    return h if last == 0 <= index else None
