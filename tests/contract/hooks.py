"""What Schemathesis is told beside the document."""

import schemathesis

# A file of JSON Lines is sent as the text that it is.
schemathesis.serializer.alias("application/jsonl", "text/plain")
