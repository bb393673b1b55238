"""The mailbox's two pages. Everything that came by mail is escaped, and HTML shown in a frame that may do nothing."""

from html import escape

from devstack.mailbox.inbox import Letter

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 6vh auto; padding: 0 1rem; color: #1b1f24 }}
h1 {{ font-size: 1.4rem }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #dfe3e8 }}
pre {{ background: #f3f5f7; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere }}
iframe {{ width: 100%; height: 28rem; border: 1px solid #dfe3e8 }}
.quiet {{ color: #59626d; font-size: .9rem }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def overview(letters: list[Letter]) -> str:
    rows = [
        f"<tr><td>{_time(letter)}</td><td>{escape(', '.join(letter.recipients))}</td>"
        f'<td><a href="/read/{letter.id}">{escape(letter.subject) or "(no subject)"}</a></td></tr>'
        for letter in letters
    ]
    head = "<tr><th>came</th><th>to</th><th>subject</th></tr>"
    table = f"<table>{head}{''.join(rows)}</table>" if rows else '<p class="quiet">No mail yet.</p>'
    hint = '<p class="quiet">As JSON: <a href="/messages">/messages</a>, <code>?to=ada@example.com</code>.</p>'
    return _FRAME.format(title="Mailbox", body=f"<h1>Mailbox</h1>{table}{hint}")


def letter(shown: Letter) -> str:
    head = "".join(
        f"<tr><th>{name}</th><td>{escape(value)}</td></tr>"
        for name, value in (
            ("from", shown.sender),
            ("to", ", ".join(shown.recipients)),
            ("came", _time(shown)),
            ("id", shown.message_id),
        )
    )
    body = f"""<p><a href="/">Mailbox</a></p>
<h1>{escape(shown.subject)}</h1>
<table>{head}</table>
<pre>{escape(shown.text)}</pre>
<iframe sandbox srcdoc="{escape(shown.html)}" title="The mail as HTML"></iframe>"""
    return _FRAME.format(title=escape(shown.subject), body=body)


def _time(shown: Letter) -> str:
    return shown.at.strftime("%Y-%m-%d %H:%M:%S UTC")
