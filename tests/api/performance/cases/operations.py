"""What operators look at."""

from tests.api.performance.scene import Ask, Scene, ask, case


@case("GET /audit")
async def the_audit_log(scene: Scene) -> Ask:
    return ask(scene.admin)


@case("GET /ops/invariants")
async def invariants(scene: Scene) -> Ask:
    return ask(scene.staff)


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
