"""Who may call a route. Each route declares a policy, and one without fails a test: nothing is open by mistake.

`PUBLIC` and `SIGNED` stand in a route's `dependencies`; the others are parameters, which give it its caller.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from api.dependencies import PersonOrMachineDep, get_caller, get_viewer
from api.shoppers import get_shopper
from api.tokens import Caller
from domain.errors import Forbidden
from domain.permissions import Permission


async def anyone() -> None:
    """Needs no token."""


async def the_sender_signs() -> None:
    """Needs no token: the route verifies a signature over the body."""


@dataclass(frozen=True)
class Requires:
    """A caller with this permission. Raises Forbidden."""

    permission: Permission

    async def __call__(self, caller: PersonOrMachineDep) -> Caller:
        if not caller.may(self.permission):
            raise Forbidden(f"This needs the permission {self.permission}.", permission=self.permission.value)
        return caller


PUBLIC = Depends(anyone)
SIGNED = Depends(the_sender_signs)

CatalogueEditorDep = Annotated[Caller, Depends(Requires(Permission.CATALOGUE_WRITE))]
StockReaderDep = Annotated[Caller, Depends(Requires(Permission.INVENTORY_READ))]
StockKeeperDep = Annotated[Caller, Depends(Requires(Permission.INVENTORY_WRITE))]
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

POLICIES = (anyone, the_sender_signs, get_caller, get_viewer, get_shopper)
"""What a test looks for beside `Requires`: a person may act on what is their own, a guest on a cart, who reads orders
may see all."""
