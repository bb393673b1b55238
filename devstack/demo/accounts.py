"""The accounts of the local demo. Their password is public, so they exist only where the environment is `local`."""

from dataclasses import dataclass
from typing import Literal

DEMO_PASSWORD = "demo-password-1"


@dataclass(frozen=True)
class DemoAccount:
    email: str
    full_name: str
    role: Literal["admin", "staff", "customer"]


DEMO_ACCOUNTS = (
    DemoAccount("admin@example.com", "Avery Admin", "admin"),
    DemoAccount("staff@example.com", "Sam Staff", "staff"),
    DemoAccount("customer@example.com", "Casey Customer", "customer"),
)
