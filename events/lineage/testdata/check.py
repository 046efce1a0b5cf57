"""Builds each event that it reads with OpenLineage's own classes and says how its own serializer writes it."""
import json, sys

from openlineage.client import event_v2 as ev
from openlineage.client import facet_v2 as fa
from openlineage.client.client import OpenLineageClient
from openlineage.client.serde import Serde
from openlineage.client.transport.file import FileConfig, FileTransport

FACETS = {
    "jobType": fa.job_type_job.JobTypeJobFacet,
    "processing_engine": fa.processing_engine_run.ProcessingEngineRunFacet,
    "errorMessage": fa.error_message_run.ErrorMessageRunFacet,
    "executionParameters": fa.execution_parameters_run.ExecutionParametersRunFacet,
}


def facet(name, fields):
    fields = dict(fields)
    producer, schema = fields.pop("_producer"), fields.pop("_schemaURL")
    if name == "executionParameters":
        fields["parameters"] = [fa.execution_parameters_run.ExecutionParameter(**p) for p in fields["parameters"]]
    made = FACETS[name](**fields, producer=producer)
    assert made._schemaURL == schema, (made._schemaURL, schema)
    return made


def facets(given):
    return {name: facet(name, fields) for name, fields in given.items()}


out = []
client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=sys.argv[1], append=True)))
for line in sys.stdin.read().splitlines():
    d = json.loads(line)
    schema = d.pop("schemaURL")
    event = ev.RunEvent(
        eventType=ev.RunState[d["eventType"]], eventTime=d["eventTime"], producer=d["producer"],
        run=ev.Run(runId=d["run"]["runId"], facets=facets(d["run"]["facets"])),
        job=ev.Job(namespace=d["job"]["namespace"], name=d["job"]["name"], facets=facets(d["job"]["facets"])),
        inputs=[ev.InputDataset(**i) for i in d["inputs"]], outputs=[ev.OutputDataset(**o) for o in d["outputs"]],
    )
    assert event.schemaURL == schema, (event.schemaURL, schema)
    out.append(json.loads(Serde.to_json(event)))
    client.emit(event)  # adds a facet of its own
json.dump(out, sys.stdout)
