"""Who may call a route. Each route declares a policy, and one without fails a test: nothing is open by mistake.

`PUBLIC`, `SIGNED` and `SIGNS_IN` stand in a route's `dependencies`; the others are parameters, which give it its
caller.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from api.dependencies import PersonOrMachineDep, get_caller, get_viewer
from api.shoppers import get_shopper
from api.tokens import Caller
from domain.errors import Forbidden
from domain.permissions import Permission, Role
from services.orders.reading import Viewer


async def anyone() -> None:
    """Needs no token."""


async def the_sender_signs() -> None:
    """Needs no token: the route verifies a signature over the body."""


async def the_first_message_signs_in() -> None:
    """Needs no token to be opened: a socket's first message brings it."""


@dataclass(frozen=True)
class Requires:
    """A caller with this permission. Raises Forbidden."""

    permission: Permission

    async def __call__(self, caller: PersonOrMachineDep) -> Caller:
        if not caller.may(self.permission):
            raise Forbidden(f"This needs the permission {self.permission}.", permission=self.permission.value)
        return caller


async def get_owner_or_decider(caller: PersonOrMachineDep) -> Viewer:
    """Who may act on an order: its owner, and who decides about all. Raises Forbidden for a machine that may not."""
    if caller.role is Role.SERVICE and not caller.may(Permission.ORDERS_WRITE):
        raise Forbidden("This needs the permission orders:write.", permission=Permission.ORDERS_WRITE.value)
    return Viewer(caller.id, is_staff=caller.may(Permission.ORDERS_WRITE))


async def get_payer_or_reader(caller: PersonOrMachineDep) -> Viewer:
    """Its owner, and who reads all payments or all orders. Raises Forbidden for any other machine."""
    reads_all = caller.may(Permission.PAYMENTS_READ) or caller.may(Permission.ORDERS_READ)
    if caller.role is Role.SERVICE and not reads_all:
        raise Forbidden("This needs the permission payments:read.", permission=Permission.PAYMENTS_READ.value)
    return Viewer(caller.id, is_staff=reads_all)


PUBLIC = Depends(anyone)
SIGNED = Depends(the_sender_signs)
SIGNS_IN = Depends(the_first_message_signs_in)

CatalogueEditorDep = Annotated[Caller, Depends(Requires(Permission.CATALOGUE_WRITE))]
StockReaderDep = Annotated[Caller, Depends(Requires(Permission.INVENTORY_READ))]
StockKeeperDep = Annotated[Caller, Depends(Requires(Permission.INVENTORY_WRITE))]
OwnerOrDeciderDep = Annotated[Viewer, Depends(get_owner_or_decider)]
PayerOrReaderDep = Annotated[Viewer, Depends(get_payer_or_reader)]
OrderDeciderDep = Annotated[Caller, Depends(Requires(Permission.ORDERS_WRITE))]
PaymentReaderDep = Annotated[Caller, Depends(Requires(Permission.PAYMENTS_READ))]
PaymentKeeperDep = Annotated[Caller, Depends(Requires(Permission.PAYMENTS_WRITE))]
OrderReaderDep = Annotated[Caller, Depends(Requires(Permission.ORDERS_READ))]
CustomerReaderDep = Annotated[Caller, Depends(Requires(Permission.CUSTOMERS_READ))]
CustomerKeeperDep = Annotated[Caller, Depends(Requires(Permission.CUSTOMERS_WRITE))]
OperatorDep = Annotated[Caller, Depends(Requires(Permission.OPERATIONS_READ))]
AuditorDep = Annotated[Caller, Depends(Requires(Permission.AUDIT_READ))]
StaffKeeperDep = Annotated[Caller, Depends(Requires(Permission.STAFF_WRITE))]
ApiKeyKeeperDep = Annotated[Caller, Depends(Requires(Permission.API_KEYS_WRITE))]

POLICIES = (
    anyone, the_sender_signs, the_first_message_signs_in, get_caller, get_viewer, get_owner_or_decider,
    get_payer_or_reader, get_shopper,
)  # fmt: skip
"""What a test looks for beside `Requires`: a person may act on what is their own, a guest on a cart, who reads orders
may see all."""
