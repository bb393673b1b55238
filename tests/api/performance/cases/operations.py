"""What operators look at."""

from tests.api.performance.scene import Ask, Scene, ask, case


@case("GET /audit")
async def the_audit_log(scene: Scene) -> Ask:
    return ask(scene.admin)


@case("GET /ops/invariants")
async def invariants(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("POST /ops/reconciliations")
async def reconcile(scene: Scene) -> Ask:
    return ask(scene.staff, is_keyed=True)


@case("GET /ops/reconciliations")
async def reconciliations(scene: Scene) -> Ask:
    await scene.staff.post("/ops/reconciliations")
    return ask(scene.staff)


@case("GET /ops/reconciliations/{reconciliation_id}")
async def one_reconciliation(scene: Scene) -> Ask:
    started = (await scene.staff.post("/ops/reconciliations")).json()
    return ask(scene.staff, {"reconciliation_id": started["id"]})


@case("GET /health/live")
async def alive(scene: Scene) -> Ask:
    return ask(scene.anonymous)


@case("GET /health/ready")
async def ready(scene: Scene) -> Ask:
    return ask(scene.anonymous)


@case("GET /metrics")
async def figures(scene: Scene) -> Ask:
    return ask(scene.anonymous)


@case("GET /.well-known/jwks.json")
async def public_keys(scene: Scene) -> Ask:
    return ask(scene.anonymous)
