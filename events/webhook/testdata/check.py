"""Verifies each request {"secret", "headers", "body"} with the reference library of Standard Webhooks."""
import base64, json, sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

out = []
for r in json.load(sys.stdin):
    hook = Webhook(base64.b64decode(r["secret"]))
    try:
        hook.verify(r["body"], r["headers"], json_parse=False)
        out.append("good")
    except WebhookVerificationError as e:
        out.append(str(e))
json.dump(out, sys.stdout)
