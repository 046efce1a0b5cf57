"""Reads lines {"one": event, "batch": [...]}; says what the CloudEvents SDK made of each."""
import json, sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import from_json

out = []
for line in sys.stdin.read().splitlines():
    a = from_json(line)  # the SDK's older API
    b = JSONFormat().read(CloudEvent, line)  # and its newer one
    c = from_http_event(HTTPMessage({"content-type": sys.argv[1]}, line.encode()))
    row = {}
    for e in (b, c):
        got = dict(e.get_attributes())
        got["time"] = e.get_time().isoformat()
        row.setdefault("attributes", got)
        assert row["attributes"] == got, (row, got)
        assert e.get_data() == a.get_data(), (e.get_data(), a.get_data())
    row["data"] = a.get_data()
    assert a["id"] == row["attributes"]["id"] and a["specversion"] == "1.0"
    out.append(row)
json.dump(out, sys.stdout)
