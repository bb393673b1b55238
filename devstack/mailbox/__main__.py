"""`python -m devstack.mailbox`: every mail of the stack, to read. In memory: it forgets when it ends."""

import uvicorn

from devstack.mailbox.app import create_app
from devstack.mailbox.inbox import Inbox
from devstack.settings import DevstackSettings


def main() -> None:
    settings = DevstackSettings()
    host, port = settings.host, settings.mailbox_port
    print(f"The mailbox takes mail at {host}:{settings.mailbox_smtp_port} and shows it at http://{host}:{port}.")
    uvicorn.run(
        create_app(Inbox(), host, settings.mailbox_smtp_port),
        host=host,
        port=port,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
