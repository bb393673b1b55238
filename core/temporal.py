"""Temporal: connecting, and the search attributes that staff find orders by."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import GrpcCompression, RetryConfig, RPCError, RPCStatusCode

from core.settings import Settings

log = structlog.get_logger()

SEARCH_ATTRIBUTES = (
    "OrderId",
    "OrderNumber",
    "OrderStatus",
    "PaymentMethod",
    "WaitingFor",
    "StuckStep",
)
"""All of type Keyword. One that is not registered stalls a workflow for ever and silently."""


async def connect_temporal(
    settings: Settings, *, patience: timedelta = timedelta(seconds=30), insist: timedelta = timedelta(seconds=10)
) -> Client:
    """A connected client. `Client.connect` does not retry by itself, so this does until `patience` is over.

    `insist` is how long the SDK repeats a later call when the server is away: short where somebody waits for a reply.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    on_loopback = settings.temporal_address.startswith(("127.", "localhost", "[::1]"))
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                grpc_compression=GrpcCompression.NONE if on_loopback else GrpcCompression.GZIP,
                retry_config=RetryConfig(max_elapsed_time_millis=int(insist.total_seconds() * 1000)),
            )
        except RuntimeError as error:
            if loop.time() > deadline:
                raise ConnectionError(
                    f"Temporal does not answer at {settings.temporal_address} "
                    "(TILLWRIGHT_TEMPORAL_ADDRESS). Is it running?"
                ) from error
            log.info("temporal.waiting", address=settings.temporal_address)
            await asyncio.sleep(0.5)


async def register_search_attributes(client: Client) -> list[str]:
    """Registers what is missing and returns when all are there; returns the names that were new."""
    missing = await _missing(client)
    if missing:
        await add_search_attributes(client, missing)
    while await _missing(client):  # noqa: ASYNC110 — the server tells nobody when it is done
        await asyncio.sleep(0.1)
    return missing


async def add_search_attributes(client: Client, names: Sequence[str]) -> None:
    """Ask for these; a server that has them already is content."""
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes=dict.fromkeys(names, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise


async def _missing(client: Client) -> list[str]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return [name for name in SEARCH_ATTRIBUTES if name not in known.custom_attributes]
