"""An example of a schema, put together from the examples of its parts."""

from typing import Any

_OF_FORMAT = {
    "uuid": "0199f0c2-7a41-7c3e-9a3d-5b1f6c2d8e90",
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "email": "ada@example.com",
    "uri": "https://example.com/lamp.jpg",
    "password": "correct-horse-battery",
}
_OF_NAME = {
    "sku": "TEE-BASIC-BLACK-M",
    "name": "Basic tee",
    "slug": "basic-tee",
    "description": "Heavy cotton, cut straight.",
    "brand": "Northwind",
    "code": "out-of-stock",
    "detail": "Only 1 is left.",
    "reason": "Counted again.",
    "next_cursor": "WyIyMDI2LTAzLTE0VDA5OjI2OjUzWiIsIjAxOTlmMGMyIl0",
    "version": 3,
}
_PYTHON = {"string": str, "integer": int}
_OF_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}


def example_of(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """What the schema says itself comes first; `schemas` is where its references lead, `name` the field's."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "examples" in schema:
        return schema["examples"][0]
    for word in ("example", "const", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    if alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return example_of(alternatives[0], schemas, name)
    return _of_type(schema, schemas, name)


def _of_type(schema: dict[str, Any], schemas: dict[str, Any], name: str) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        return {field: example_of(part, schemas, field) for field, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas)]
    if type(known := _OF_NAME.get(name)) is _PYTHON.get(kind) and "format" not in schema:
        return known
    if kind in ("integer", "number") and "minimum" in schema:
        return max(schema["minimum"], 1)
    return _OF_FORMAT.get(schema.get("format", ""), _OF_TYPE[kind])
