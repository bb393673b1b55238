"""The sandbox's few HTML pages. Everything that comes from outside is escaped."""

from collections.abc import Sequence
from html import escape

from devstack.sandbox.faults import Fault
from devstack.sandbox.objects import Doc
from devstack.sandbox.tokens import TOKENS
from domain.money import Money

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: {width}; margin: 10vh auto; padding: 0 1rem; color: #1b1f24 }}
h1 {{ font-size: 1.4rem }}
.amount {{ font-size: 2rem; margin: 1rem 0 }}
button {{ font: inherit; padding: .6rem 1.4rem; margin-right: .6rem; border: 1px solid #8a929c; border-radius: 6px;
          background: #fff; cursor: pointer }}
button.main {{ background: #1a5fb4; border-color: #1a5fb4; color: #fff }}
.quiet {{ color: #59626d; font-size: .9rem }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #dfe3e8 }}
code, pre {{ font: .85rem ui-monospace, monospace }}
pre {{ background: #f3f5f7; padding: .8rem; overflow-x: auto }}
</style>
</head>
<body>
{body}
</body>
</html>
"""

_KNOBS = """curl -X POST {address}/_sandbox/faults -H 'Content-Type: application/json' \\
    -d '{{"operation": "capture", "kind": "outage", "times": 3}}'
curl -X DELETE {address}/_sandbox/faults
curl -X POST {address}/_sandbox/intents/pi_…/approve
curl {address}/_sandbox/journal"""


def amount_of(intent: Doc) -> str:
    return str(Money(intent["amount"], intent["currency"].upper()))


def asking(intent: Doc) -> str:
    """The bank asks the shopper. The form posts to the page's own address."""
    body = f"""<h1>Your bank asks: is this you?</h1>
<p class="amount">{escape(amount_of(intent))}</p>
<form method="post">
<button class="main" name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button>
</form>
<p class="quiet">A test bank of the sandbox. No money moves. {escape(intent["id"])}</p>"""
    return _page("3-D Secure", body)


def message(title: str, text: str, link: str | None = None) -> str:
    """`link` leads back to the shop."""
    back = f'<p><a href="{escape(link)}" rel="noreferrer">Back to the shop</a></p>' if link else ""
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n{back}")


def overview(intents: list[Doc], knobs: list[Fault], undelivered: int, address: str) -> str:
    rows = [(doc["id"], amount_of(doc), doc["status"], doc["metadata"].get("order_id", "")) for doc in intents]
    tokens = [(name, token.meaning) for name, token in TOKENS.items()]
    faults = [(fault.operation, fault.kind, fault.times or "until cleared") for fault in knobs]
    body = f"""<h1>Sandbox payment provider</h1>
<p>{undelivered} webhooks wait for their delivery.</p>
<h2>Newest payment intents</h2>{_table(("intent", "amount", "status", "order"), rows)}
<h2>Payment tokens</h2>{_table(("token", "what it does"), tokens)}
<h2>Fault knobs</h2>{_table(("operation", "kind", "times left"), faults)}
<pre>{escape(_KNOBS.format(address=address))}</pre>
<p class="quiet">Every knob is listed by <code>python -m devstack.sandbox --help</code>.</p>"""
    return _page("Sandbox payment provider", body, width="64rem")


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return '<p class="quiet">None.</p>'
    lines = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _page(title: str, body: str, width: str = "28rem") -> str:
    return _FRAME.format(title=escape(title), body=body, width=width)
