"""The formats of docs/receipt.md and docs/log.md, as patterns of their text: there is one text for each meaning."""
import hashlib
import json
import re

from verify import DIGEST, HASH, NUMBER, STRING, need

LEAP = "[02468][048]00-|[13579][26]00-|..0[48]-|..[2468][048]-|..[13579][26]-"
DAY = f"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31|(?<={LEAP})02-29)"
TYPES = {  # the letters of FORMATS, in which a name without a type has a string, and [X] is any number of X
    "S": STRING, "T": '(?!"")' + STRING, "P": '(?!"secrets")' + STRING,  # T: one that is not empty
    "N": NUMBER, "B": "(?:true|false)", "R": rf"\[{STRING},{STRING},{STRING}\]",
    "H": HASH, "D": DIGEST, "U": f'(?:""|{DIGEST})',  # a hash, a digest, one that may be unknown
    "W": rf'"[0-9]{{4}}-{DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"',  # a time
    "A": '"version":1,"by":"assay"', "K": '"version":1,"by":"kernel"',  # how payloads begin
    "E": "\n", "[": r"\[(?:", "]": r"(?:,(?!\])|(?=\])))*\]"}
FORMATS = """
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
payloads.jsonl: {index:N,commitments:[{name,digest:D}],payloads:[{name:P,salt:H,data}]}E
checkpoints.jsonl: {size:N,note}E
"""


def pattern(form):
    form = re.sub("([a-z_]+):", r'"\1":', re.sub("([a-z_]+)(?=[,}|])", r"\1:S", form))
    return re.sub(r"[A-Z]|[][]", lambda letter: TYPES[letter[0]], form)


PATTERNS = {kind: pattern(form) for kind, form in re.findall("\n(.+): (.+)", FORMATS)}
PATTERNS.update({f"recovered {name}": PATTERNS[f"run {name}"] for name in ("cells", "output", "names")})


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


def read_payloads(entry, shown):
    """The payloads of a run or a recovery, each as assay writes it and in agreement with its entry; of other entries none."""
    facts = {name: read(text, f"{entry['kind']} {name}") for name, text in shown.items() if entry["kind"] in ("run", "recovered")}
    need(facts.get("result", entry)["state"] == entry["state"], f"run result: it does not say that the run ended {entry['state']}")
    if "environment" in facts:
        own = hashlib.sha256(shown["environment"].partition(',"environment":')[2][:-1].encode()).hexdigest()
        need(facts["environment"]["digest"] == "sha256:" + own, "run environment: its digest is not that of its list")
    return facts


def facts(text, shown):
    """The payloads of a receipt that are shown, as read_payloads has them, and its entry's text as strictly."""
    return read_payloads(read_entry(text, "entry"), shown)
