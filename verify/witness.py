"""Cosignatures of witnesses (C2SP tlog-cosignature), for verify.py --witness."""
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def seen(body, signed, witnesses):
    """What the witnesses prove that were given and cosigned a checkpoint, in lines; ValueError when one's signature is wrong."""
    said = []
    for key in sorted(signed.keys() & witnesses.keys()):
        at, sig = int.from_bytes(signed[key][:8], "big"), signed[key][8:]  # eight bytes of time come first
        try:
            Ed25519PublicKey.from_public_bytes(witnesses[key]).verify(sig, f"cosignature/v1\ntime {at}\n{body}".encode())
        except InvalidSignature:
            raise ValueError(f"checkpoint: invalid signature for key {key}") from None
        said.append(f"proved: the witness {key[:-9]} saw at {moment(at)} that the log went on from all it had seen before")
    return said


def moment(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at < 1 << 37 else f"{at} s after 1970"
