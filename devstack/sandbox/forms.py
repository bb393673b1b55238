"""Parameters as Stripe's clients send them: a form with nested names, `metadata[order_id]=…&expand[0]=…`.

Every refusal is one that an idempotency key does not keep.
"""

import re
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from devstack.sandbox import errors

Nested: TypeAlias = "dict[str, str | Nested]"
Value = TypeVar("Value")

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
MAX_DEPTH = 4


class Form:
    """Each parameter is asked for by name and type; `require_no_more` then refuses what nobody asked for."""

    def __init__(self, encoded: bytes) -> None:
        """Raises Refusal where it is not a form."""
        self._left: Nested = {}
        try:
            pairs = parse_qsl(encoded.decode(), keep_blank_values=True, strict_parsing=bool(encoded), errors="strict")
        except ValueError:
            raise errors.invalid("The request is not a form in UTF-8.") from None
        for name, value in pairs:
            self._put(name, value)

    def text(self, name: str, choices: tuple[str, ...] = ()) -> str | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise errors.invalid(f"Invalid string: {name}", name)
        if not value:
            raise errors.invalid(f"An empty string makes no {name}.", name, "parameter_invalid_empty")
        if choices and value not in choices:
            raise errors.invalid(f"Invalid {name}: must be one of {', '.join(choices)}", name)
        return value

    def required_text(self, name: str) -> str:
        return _required(name, self.text(name))

    def number(self, name: str, *, least: int = 1, most: int = 99_999_999) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise errors.invalid(f"Invalid integer: {name}", name, "parameter_invalid_integer")
        if int(value) < least:
            raise errors.invalid(f"{name} must be at least {least}.", name, "parameter_invalid_integer")
        if int(value) > most:
            code = "amount_too_large" if name.startswith("amount") else "parameter_invalid_integer"
            raise errors.invalid(f"{name} must be at most {most}.", name, code)
        return int(value)

    def required_number(self, name: str) -> int:
        return _required(name, self.number(name))

    def flag(self, name: str) -> bool:
        return self.text(name, ("true", "false")) == "true"

    def mapping(self, name: str) -> dict[str, str]:
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            raise errors.invalid(f"Invalid object: {name}", name)
        found = {key: text for key, text in value.items() if isinstance(text, str)}
        if len(found) < len(value) or len(found) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in found.items()):
            raise errors.invalid(f"{name} has up to 50 keys of 40 characters with values of 500.", name)
        return found

    def listing(self, name: str) -> list[str]:
        return list(self.mapping(name).values())

    def ignore(self, *names: str) -> None:
        """Parameters that Stripe knows and that change nothing here."""
        for name in names:
            self._left.pop(name, None)

    def require_no_more(self) -> None:
        """Quotes no value: it may be a card number."""
        for name in self._left:
            raise errors.invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")

    def _put(self, name: str, value: str) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise errors.invalid("A parameter's name is malformed.")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(path) > MAX_DEPTH:
            raise errors.invalid("A parameter is nested too deeply.")
        place: Any = self._left
        for part in path[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise errors.invalid(f"{match[1]} is both a value and an object.", match[1])
        place[path[-1] or str(len(place))] = value  # `expand[]=` counts by itself


def _required(name: str, value: Value | None) -> Value:
    if value is None:
        raise errors.invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return value
