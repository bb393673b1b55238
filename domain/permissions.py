"""Who may do what: roles are sets of named permissions, and a machine's API key has the ones that it was given."""

from enum import StrEnum


class Permission(StrEnum):
    """`{resource}:{verb}`. What anybody may do with what is their own needs none."""

    CATALOGUE_WRITE = "catalogue:write"
    INVENTORY_READ = "inventory:read"
    INVENTORY_WRITE = "inventory:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    OPERATIONS_READ = "operations:read"
    AUDIT_READ = "audit:read"
    STAFF_WRITE = "staff:write"
    API_KEYS_WRITE = "api-keys:write"


class Role(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"
    SERVICE = "service"  # a machine: its API key names its permissions

    @property
    def permissions(self) -> frozenset[Permission]:
        return _PERMISSIONS[self]


_ADMINS_ALONE = {Permission.AUDIT_READ, Permission.STAFF_WRITE, Permission.API_KEYS_WRITE}

_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CUSTOMER: frozenset(),
    Role.STAFF: frozenset(set(Permission) - _ADMINS_ALONE),
    Role.ADMIN: frozenset(Permission),
    Role.SERVICE: frozenset(),
}
