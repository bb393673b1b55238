"""PostgreSQL, Redis and Temporal from wheels: real servers, without Docker and without root's help."""

from devstack.servers.postgres import Postgres
from devstack.servers.redis import Redis
from devstack.servers.temporal import TemporalServer

__all__ = ["Postgres", "Redis", "TemporalServer"]
