"""The Merkle tree of RFC 6962."""
import hashlib


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(a, b):
    return hashlib.sha256(b"\1" + a + b).digest()


def root(hashes):
    """The root over leaves, or over complete subtrees of one height (section 2.1)."""
    while len(hashes) > 1:
        hashes = [node(*hashes[i:i + 2]) if i + 1 < len(hashes) else hashes[i] for i in range(0, len(hashes), 2)]
    return hashes[0] if hashes else hashlib.sha256().digest()


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
