"""The formats of docs/receipt.md and docs/log.md, as patterns of their text: there is one text for each meaning."""
import hashlib
import json
import re

STRING = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*)*"'
DIGEST = '"sha256:(?!0{64})[0-9a-f]{64}"'
LEAP = "[02468][048]00-|[13579][26]00-|..0[48]-|..[2468][048]-|..[13579][26]-"
DAY = f"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31|(?<={LEAP})02-29)"
TYPES = {  # the letters of FORMATS, in which a name without a type has a string, and [X] is any number of X
    "S": STRING, "T": '(?!"")' + STRING, "P": '(?!"secrets")' + STRING,  # T: one that is not empty
    "N": "(?:0|[1-9][0-9]{0,15})", "B": "(?:true|false)", "R": rf"\[{STRING},{STRING},{STRING}\]",
    "H": '"[0-9a-f]{64}"', "D": DIGEST, "U": f'(?:""|{DIGEST})',  # a hash, a digest, one that may be unknown
    "W": rf'"[0-9]{{4}}-{DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"',  # a time
    "A": '"version":1,"by":"assay"', "K": '"version":1,"by":"kernel"',  # how payloads begin
    "E": "\n", "[": r"\[(?:", "]": r"(?:,(?!\])|(?=\])))*\]"}
FORMATS = """
receipt: {version:1,log,index:N,entry,SHOWN,proof:[H],checkpoint,keys:[S],ephemeral:B}E
entry: {version:1,kind:T,id:T,log:T,time:W,state,subject,names:[S],facts:U}
run input: {A,file:U,source:U,size:N}
run parameters: {A,parameters:[{name,(?:value|secret,commitment:U)}]}
run kernel: {K,name,display_name,language,language_version,implementation,implementation_version,protocol_version,via}
run environment: {A,digest:D,environment:{interpreter,version,platform,manager,source,packages:[R],gaps:[S]}}
run cells: {A,cells:[{id,type,state,(?:execution_count:N,)?source:U,outputs:U,rest:U(?:,masked:[S])?}]}
run output: {A,file:U,source:U,outputs:U,rest:U,size:N}
run scraps: {K,scraps:[{name,digest:U}]}
run names: {A,input,output,user,host,asked_by}
run result: {A,state,reason,trigger,start:W,end:W,assay,completeness}
run events: {A,digest:U,count:N}
recovered recovery: {A,state,reason,ended:N,interrupted:N,not_run:N,torn:N,journal:U,size:N,assay}
payloads.jsonl: {index:N,SHOWN}E
checkpoints.jsonl: {size:N,note}E
"""


def pattern(form):
    form = form.replace("SHOWN", "commitments:[{name,digest:D}],payloads:[{name:P,salt:H,data}]")
    form = re.sub("([a-z_]+):", r'"\1":', re.sub("([a-z_]+)(?=[,}|])", r"\1:S", form))
    return re.sub(r"[A-Z]|[][]", lambda letter: TYPES[letter[0]], form)


PATTERNS = {kind: pattern(form) for kind, form in re.findall("\n(.+): (.+)", FORMATS)}
PATTERNS.update({f"recovered {name}": PATTERNS[f"run {name}"] for name in ("cells", "output", "names")})


def need(ok, what):
    if not ok:
        raise ValueError(what)


def read(text, kind, what=None):
    """The JSON of a text of one kind, which what calls by another name; ValueError for any other text."""
    def number(digits):
        need(int(digits) < 1 << 53, f"{what or kind}: a number above 2^53-1")
        return int(digits)
    need(re.fullmatch(PATTERNS.get(kind, "(?!)"), text), f"{what or kind}: not as assay writes it")
    return json.loads(text, parse_int=number)


def read_entry(text, what):
    e = read(text, "entry", what)
    said = [e["kind"], e["id"], e["log"], e["state"], e["subject"], *e["names"]]
    need(len(text.encode()) < 1 << 16 and len(e["names"]) <= 32 and all(len(s.encode()) <= 1024 for s in said),
         f"{what}: longer than an entry, its list or a string in it may be")
    return e


def digest(*values):
    """The digest over strings, bytes and arrays that docs/digests.md defines."""
    def encode(v):
        v = v.encode() if isinstance(v, str) else v
        kind, content = (b"l", b"".join(map(encode, v))) if isinstance(v, list) else (b"s", v)
        return kind + len(v).to_bytes(8, "big") + content
    return "sha256:" + hashlib.sha256(b"".join(map(encode, values))).hexdigest()


def bound(entry, commitments, payloads):
    """Holds payloads against commitments, and those against the entry: the payloads by name, and the names of those not shown."""
    want, shown = {c["name"]: c["digest"] for c in commitments}, {p["name"]: p["data"] for p in payloads}
    facts = digest("assay.facts.1", [[n, bytes.fromhex(d[7:])] for n, d in want.items()]) if want else ""
    need(entry["facts"] == facts and len(want) == len(commitments), "payloads: the list of commitments is not the one in the entry")
    need([n for n in want if n in shown] == [p["name"] for p in payloads], "payloads: not in the order of the commitments")
    for p in payloads:
        own = digest("assay.payload.1", p["name"], bytes.fromhex(p["salt"]), p["data"])
        need(own == want[p["name"]], f"payloads: {p['name']} is not what the entry is bound to")
    return shown, [n for n in want if n not in shown and n != "secrets"]


def read_payloads(entry, shown):
    """The payloads of a run or a recovery, each as assay writes it and in agreement with its entry; of other entries none."""
    facts = {name: read(text, f"{entry['kind']} {name}") for name, text in shown.items() if entry["kind"] in ("run", "recovered")}
    need(facts.get("result", entry)["state"] == entry["state"], f"run result: it does not say that the run ended {entry['state']}")
    if "environment" in facts:
        own = hashlib.sha256(shown["environment"].partition(',"environment":')[2][:-1].encode()).hexdigest()
        need(facts["environment"]["digest"] == "sha256:" + own, "run environment: its digest is not that of its list")
    return facts
