"""`python -m core.search_attributes`: register the search attributes in the configured Temporal namespace."""

import asyncio

from core.exit import finish
from core.settings import get_settings
from core.temporal import SEARCH_ATTRIBUTES, connect_temporal, register_search_attributes


async def main() -> None:
    new = await register_search_attributes(await connect_temporal(get_settings()))
    print(f"{len(SEARCH_ATTRIBUTES)} search attributes are registered, {len(new)} of them new.")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
    finish(0)
