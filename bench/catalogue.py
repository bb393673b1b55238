"""A synthetic catalogue, the same at every run, as the file that an import takes."""

from pathlib import Path
from random import Random
from typing import Any

from services.transfer import json_lines

BRANDS = [f"{start}{end}" for start in ("Nor", "Alt", "Kel", "Mira", "Ost") for end in ("via", "mark", "tea", "lo")]
KINDS = [
    "lamp", "desk", "chair", "sofa", "shelf", "rug", "mirror", "clock", "vase", "kettle", "mug", "plate", "knife",
    "pan", "towel", "blanket", "pillow", "jacket", "shirt", "boots", "scarf", "bag", "wallet", "watch", "bottle",
]  # fmt: skip
QUALITIES = [
    "oak", "steel", "linen", "wool", "copper", "marble", "bamboo", "leather", "cotton", "glass", "walnut", "ceramic",
    "folding", "tall", "small", "wide", "round", "light", "heavy", "quiet", "bright", "warm", "classic", "modern",
]  # fmt: skip
COLOURS = ["Black", "White", "Red", "Green", "Blue", "Sand", "Grey", "Rust"]
SIZES = ["S", "M", "L"]
UNITS = 100_000
"""On the shelf of each SKU, so that no measurement ends for want of stock."""


def product(number: int) -> dict[str, Any]:
    """The body of a POST /products; each kind is a category."""
    random = Random(number)  # noqa: S311 — not a secret
    quality, kind = random.sample(QUALITIES, 2), random.choice(KINDS)
    price, colours = random.randint(500, 50_000), random.sample(COLOURS, random.randint(1, 2))
    return {
        "slug": f"{quality[0]}-{kind}-{number}",
        "name": f"{quality[0].title()} {kind} {number}",
        "description": f"A {quality[1]} {kind} of {quality[0]}, made to be used every day. Model {number}.",
        "brand": random.choice(BRANDS),
        "category": kind,
        "status": "active",
        "attributes": {"Material": quality[0], "Year": random.randint(2018, 2026)},
        "images": [f"https://images.example.com/{number}.jpg"],
        "variants": [
            {
                "sku": f"B{number}-{colour.upper()}-{size}",
                "price": {"amount": price, "currency": "USD"},
                "options": {"Colour": colour, "Size": size},
                "initial_stock": UNITS,
            }
            for colour in colours
            for size in SIZES[: random.randint(1, 3)]
        ],
    }


def write(file: Path, numbers: range) -> None:
    with file.open("wb") as out:
        for number in numbers:
            out.write(json_lines.render(product(number)))
