"""Dumps and loads with PyYAML. Reads one JSON line each: {"dump": value} or
{"load": text}; answers the text, or the value as JSON, one JSON line each."""
import datetime, json, sys
import yaml

for line in sys.stdin:
    req = json.loads(line)
    if "dump" in req:
        print(json.dumps(yaml.safe_dump(req["dump"], default_flow_style=False)))
        continue
    try:
        print(json.dumps(json.dumps(yaml.safe_load(req["load"]), default=str, sort_keys=True)))
    except Exception as e:
        print(json.dumps("error: " + type(e).__name__))
