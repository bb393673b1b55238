"""Reading the journal the way Stripe shows it: expanded objects and pages."""

from devstack.sandbox import errors
from devstack.sandbox.forms import Form
from devstack.sandbox.journal import LAST, Journal
from devstack.sandbox.objects import Doc, shown

EXPANDABLE = {"latest_charge", "charge", "payment_intent"}


def expanded(journal: Journal, doc: Doc, paths: list[str]) -> Doc:
    """`latest_charge`, `data.latest_charge`, … with the object in place of its id. Raises Refusal for other fields."""
    doc = shown(doc)
    for path in paths:
        _expand(journal, doc, path.split("."), path)
    return doc


def _expand(journal: Journal, doc: Doc, parts: list[str], path: str) -> None:
    field, rest = parts[0], parts[1:]
    if field == "data" and isinstance(doc.get("data"), list) and rest:
        for item in doc["data"]:
            _expand(journal, item, rest, path)
        return
    if field not in EXPANDABLE or field not in doc:
        raise errors.invalid(f"This property cannot be expanded: {path}", "expand")
    if isinstance(doc[field], str) and (target := journal.find(doc[field])):
        doc[field] = shown(target)
    if rest and isinstance(doc[field], dict):
        _expand(journal, doc[field], rest, path)


def page(journal: Journal, kind: str, url: str, form: Form) -> Doc:
    """Newest first, as `limit`, `starting_after`, `ending_before`, `payment_intent` and `created[gte]` ask.

    Raises Refusal.
    """
    limit = form.number("limit", most=100) or 10
    after, before, intent_id = form.text("starting_after"), form.text("ending_before"), form.text("payment_intent")
    if before is not None:
        found = journal.newer(kind, _place(journal, kind, before, "ending_before"), limit + 1, intent_id)
        shown_part = found[:limit][::-1]
    else:
        than = LAST if after is None else _place(journal, kind, after, "starting_after")
        found = journal.older(kind, than, limit + 1, intent_id)
        shown_part = found[:limit]
    since = _since(form)
    data = [shown(doc) for doc in shown_part if doc["created"] >= since]
    has_more = len(found) > limit and len(data) == limit
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _since(form: Form) -> int:
    """Seconds since 1970. Raises Refusal for bounds that nobody here asks for."""
    bounds = form.mapping("created")
    if bounds.keys() - {"gte"} or not all(bound.isdecimal() for bound in bounds.values()):
        raise errors.invalid("Here created has only the bound gte, in seconds since 1970.", "created")
    return int(bounds.get("gte", 0))


def _place(journal: Journal, kind: str, object_id: str, param: str) -> int:
    place = journal.place_of(object_id, kind)
    if place is None:
        raise errors.no_such(kind, object_id, param)
    return place
