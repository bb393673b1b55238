"""Somebody who types what a page of the documentation says."""

import asyncio
import os
import re
import sys
from pathlib import Path
from uuid import uuid4

from devstack.stack import Stack
from tests.test_docs import ROOT

PATIENCE = 60
"""Seconds that a block of commands may take."""


class Reader:
    """Types what a page says, at this run's addresses."""

    def __init__(self, stack: Stack) -> None:
        self._own = stack.settings
        self._key = uuid4().hex

    async def types(self, *blocks: str) -> str:
        """What was printed; fails where a command does."""
        shell = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", self._here("\n".join(blocks)), cwd=ROOT,
            env={**os.environ, "TEMPORAL_ADDRESS": f"{self._own.host}:{self._own.temporal_port}"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            output, _ = await shell.communicate()
        assert shell.returncode == 0, output.decode()
        return output.decode()

    def _here(self, script: str) -> str:
        ports = {
            8000: self._own.api_port, 7233: self._own.temporal_port, 8233: self._own.temporal_ui_port,
            8025: self._own.mailbox_port,
        }  # fmt: skip
        for usual, own in ports.items():
            script = script.replace(f"127.0.0.1:{usual}", f"{self._own.host}:{own}")
        script = re.sub(r"(\$PWD/)?\.venv/bin", str(Path(sys.executable).parent), script)
        return script.replace("my-first", f"my-first-{self._key}")
