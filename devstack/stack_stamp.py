"""Remembering what a step was last done with, so that an unchanged one can be left out."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path


class Stamp:
    """A file that holds the digest of all source files below some folders."""

    def __init__(self, file: Path, folders: Sequence[Path]) -> None:
        self._file = file
        self._folders = folders

    @property
    def is_current(self) -> bool:
        return self._file.exists() and self._file.read_text().strip() == self._digest()

    def write(self) -> None:
        self._file.write_text(self._digest() + "\n")

    def _digest(self) -> str:
        digest = sha256()
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(f"{path.relative_to(folder)}\0".encode())
                    digest.update(sha256(path.read_bytes()).digest())
        return digest.hexdigest()
