"""Facts about accounts, sign-ins and customers."""

from domain.errors.facts import Fact


class WrongCredentials(Fact):
    code = "wrong-credentials"
    title = "The e-mail address or the password is wrong"


class WrongPassword(Fact):
    code = "wrong-password"
    title = "The current password is wrong"


class RefreshTokenReused(Fact):
    """Somebody else may hold the token: the whole session is over."""

    code = "refresh-token-reused"
    title = "This refresh token was used before"


class MailTokenInvalid(Fact):
    code = "mail-token-invalid"
    title = "The token is not one that we sent, was used, or has expired"


class AccountErased(Fact):
    code = "account-erased"
    title = "The account was erased"


class LastAdmin(Fact):
    code = "last-admin"
    title = "The shop needs an admin"


class OrdersOpen(Fact):
    """`orders`: [{id, number, status}], the number null while the order is only asked for."""

    code = "orders-open"
    title = "There are orders under way"


class TooManyAddresses(Fact):
    code = "too-many-addresses"
    title = "The address book is full"
