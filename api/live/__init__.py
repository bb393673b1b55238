"""Streams and sockets: what is new, told as it happens."""

from api.live.following import TOO_SLOW, Beat, Listener, Live, Over

__all__ = ["TOO_SLOW", "Beat", "Listener", "Live", "Over"]
