"""A mail relay in memory, which can be away, refuse, and lose its answer."""

from gateways.mail import MailRelayAway, Message, RecipientRefused


class FakeMail:
    """`away` is for how many calls it does not answer; `loses_answers`, for how many it sends and says nothing."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.away = 0
        self.loses_answers = 0
        self.refuses = False

    async def send(self, message: Message) -> None:
        if self.away:
            self.away -= 1
            raise MailRelayAway
        if self.refuses:
            raise RecipientRefused
        self.sent.append(message)
        if self.loses_answers:
            self.loses_answers -= 1
            raise MailRelayAway
