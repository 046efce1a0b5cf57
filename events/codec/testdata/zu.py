"""Stands between the real zu-core and the test: reads what assay sealed, writes what zu-core's own sink stored.

stdin:  {"keys": {id: hex}, "ours": [{columns..., "sealed": hex}]}
stdout: {"opened": [text], "events": [zu-core's reading of each text], "rows": [{columns..., "data": hex, "json": text}]}
"""
import asyncio, json, os, sqlite3, sys, tempfile
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

given = json.load(sys.stdin)
for name, key in given["keys"].items():
    os.environ["ZU_EVENT_KEY_" + name] = key
os.environ["ZU_EVENT_KEY"] = given["keys"]["default"]

from zu_backends.encryption import AesGcmCodec, ManagedAesGcmCodec, EnvKeyProvider
from zu_backends.sqlite_sink import SqliteSink
from zu_core.codec import IdentityCodec, decode_payload
from zu_core.contracts import Event


def xaes_open(key, nonce, ct, aad):
    def derive(counter):
        mac = CMAC(AES(key))
        mac.update(b"\0" + bytes([counter]) + b"X\0" + nonce[:12])
        return mac.finalize()

    return AESGCM(derive(1) + derive(2)).decrypt(nonce[12:], ct, aad)


def open128(row):
    blob = bytes.fromhex(row["sealed"])
    assert blob[0] == 128
    kid = blob[2 : 2 + blob[1]]
    rest = blob[2 + blob[1] :]
    fields = [b"assay/event/128"]
    fields += [row[c].encode() for c in ("event_id", "trace_id", "task_id", "parent_id", "type", "source")] + [kid]
    aad = b"".join(len(f).to_bytes(8, "big") + f for f in fields)
    return xaes_open(bytes.fromhex(given["keys"][kid.decode()]), rest[:24], rest[24:], aad).decode()


opened, events = [], []
for row in given["ours"]:
    if row["sealed"].startswith("00"):
        text = decode_payload(bytes.fromhex(row["sealed"]), b"", {0: IdentityCodec()})
    else:
        text = open128(row)
    opened.append(text)
    e = Event.model_validate_json(text)
    events.append({"event_id": str(e.event_id), "type": e.type, "ts": e.ts.isoformat(), "payload": e.payload, "schema_version": e.schema_version})

rows = []
trace, task = UUID(int=7), UUID(int=8)
with tempfile.TemporaryDirectory() as d:
    for i, codec in enumerate([None, AesGcmCodec.from_env(), ManagedAesGcmCodec(EnvKeyProvider("k2"))]):
        path = os.path.join(d, f"{i}.db")
        sink = SqliteSink(path, codec=codec)
        for n in range(3):
            e = Event(trace_id=trace, task_id=task, parent_id=UUID(int=9) if n else None, type="harness.tool.returned", source="zé",
                      payload={"n": n, "text": "é\u2028\U0001f600\x00", "float": 1.5, "ctx": {"run_id": f"r{n}"}})
            asyncio.run(sink.append(e))
        con = sqlite3.connect(path)
        for eid, tr, ta, pa, ty, so, data in con.execute("SELECT event_id, trace_id, task_id, parent_id, type, source, data FROM events ORDER BY seq"):
            rows.append({"event_id": eid, "trace_id": tr, "task_id": ta, "parent_id": pa or "", "type": ty, "source": so, "data": data.hex()})
json.dump({"opened": opened, "events": events, "rows": rows}, sys.stdout)
