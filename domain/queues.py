"""Task queues: one for what is ours, and one per provider, whose rate is its own."""

PROVIDERS = ("stripe",)


def queue_of(task_queue: str, provider: str | None = None) -> str:
    return f"{task_queue}-{provider}" if provider else task_queue
