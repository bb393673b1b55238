"""The routes as one speaks of them: a path with its parameters' names, and what may be done there."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope


@dataclass(frozen=True)
class Template:
    """`path` is the documented one, also of a request that came without a version."""

    path: str
    methods: frozenset[str]


Templates = dict[Callable[..., Any], Template]


def list_templates(app: FastAPI) -> Templates:
    """One for each endpoint, by the first prefix that leads to it."""
    paths: dict[Callable[..., Any], str] = {}
    methods: dict[str, set[str]] = defaultdict(set)
    for route in iter_route_contexts(app.routes):
        if route.endpoint is not None:
            path = paths.setdefault(route.endpoint, str(route.path))
            methods[path] |= route.methods or set()
    return {endpoint: Template(path, frozenset(methods[path])) for endpoint, path in paths.items()}


def template_of(scope: Scope) -> Template | None:
    """What was matched, the method aside; None where a path leads nowhere."""
    templates: Templates = scope["app"].state.templates if "app" in scope else {}
    return templates.get(scope["endpoint"]) if "endpoint" in scope else None
