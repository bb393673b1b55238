"""What the documents say is true of the repository: links, paths, commands, settings, diagrams, tables."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from api.steering.records import BESIDE
from core.temporal import SEARCH_ATTRIBUTES
from domain.orders import FIRST_STATUS, MOVES
from tests.test_architecture import UNDOS
from workflows.details import WHAT_TO_DO

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
README, ARCHITECTURE, OPERATIONS, STORE, ORDERS = (
    ROOT / "README.md",
    ROOT / "docs" / "architecture.md",
    ROOT / "docs" / "operations.md",
    ROOT / "docs" / "store.md",
    ROOT / "docs" / "orders.md",
)

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"[\w.\-]+(/[\w.\-]+)*\.(py|md|toml|yml|txt|ini|json|example)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(page.read_text()) if name == language]


def commands(page: Path, name: str) -> str:
    """The bash block that `<!-- run: name -->` marks."""
    marked = re.search(rf"^<!-- run: {name} -->\n```bash\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert marked, f"{page.name} has no commands called {name}"
    return marked[1]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def code_in(page: Path) -> list[str]:
    """What stands in backticks, and each line of a bash block."""
    return re.findall(r"`([^`\n]+)`", prose(page)) + [
        line for block in blocks(page, "bash") for line in block.splitlines()
    ]


def first_column(page: Path, heading: str) -> set[str]:
    """What stands in backticks in the first column of the table under this head."""
    table = page.read_text().split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    rows = [line.split(" | ", 1)[0] for line in table.splitlines()[2:]]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def anchors(page: Path) -> set[str]:
    """The ids that a forge gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_each_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            dead.append(target)
    assert dead == []


def is_a_path_of_ours(text: str) -> bool:
    first = text.split("/")[0]
    below_ours = bool(first) and "/" in text and (ROOT / first).is_dir() and re.fullmatch(r"[\w.\-/]+", text)
    return bool(below_ours or FILE.fullmatch(text)) and first not in (".venv", ".tillwright")


@each_page
def test_each_path_that_is_named_exists(page: Path) -> None:
    named = {text.split("::")[0] for text in re.findall(r"`([^`\n]+)`", prose(page))}
    missing = [text for text in named if is_a_path_of_ours(text) and not (ROOT / text).exists()]
    assert missing == []


@each_page
def test_each_test_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", prose(page))
    assert [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text()] == []


def targets() -> set[str]:
    """Those that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@each_page
def test_each_make_target_that_is_named_exists(page: Path) -> None:
    variable = r'(?:\s+\w+=(?:"[^"]*"|\S+))*'
    named = {name for code in code_in(page) for name in re.findall(rf"\bmake{variable}\s+([a-z][a-z-]*)", code)}
    assert named - targets() == set()


def test_the_readme_lists_every_target() -> None:
    assert {name.removeprefix("make ") for name in first_column(README, "command")} == targets()


@each_page
def test_each_setting_that_is_named_is_in_the_example(page: Path) -> None:
    example = set(re.findall(r"^#(TILLWRIGHT_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = {name for name in re.findall(r"TILLWRIGHT_[A-Z_]+\*?", page.read_text()) if not name.endswith("*")}
    assert named - example == set()


@each_page
def test_each_block_of_commands_is_good_bash(page: Path) -> None:
    for block in blocks(page, "bash"):
        parsed = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr


def test_a_newcomer_has_a_paid_order_within_fifteen_lines() -> None:
    lines = (commands(README, "clone") + commands(README, "card")).splitlines()
    assert "make dev" in lines
    assert len(lines) <= 15
    assert len(README.read_text().splitlines()) <= 200


def test_each_payment_token_that_the_readme_names_is_the_sandboxs() -> None:
    known = (ROOT / "devstack" / "sandbox" / "tokens.py").read_text()
    assert [token for token in re.findall(r"pm_\w+", README.read_text()) if token not in known] == []


def test_the_diagram_of_the_states_is_the_table_of_moves() -> None:
    (diagram,) = (block for block in blocks(README, "mermaid") if block.startswith("stateDiagram"))
    edges = set(re.findall(r"(\[\*\]|\w+) --> (\[\*\]|\w+)", diagram))
    starts, ends = {to for start, to in edges if start == "[*]"}, {start for start, to in edges if to == "[*]"}
    assert {edge for edge in edges if "[*]" not in edge} == {(start, to) for start in MOVES for to in MOVES[start]}
    assert starts == set(FIRST_STATUS.values())
    assert ends == {status for status, moves in MOVES.items() if not moves}


def test_the_diagram_of_the_saga_pairs_each_step_with_its_undo() -> None:
    (diagram,) = (block for block in blocks(README, "mermaid") if block.startswith("flowchart"))
    steps = dict(re.findall(r"(\w+)\[(\w+)\]", diagram))
    undos = {steps[step]: steps[undo] for step, undo in re.findall(r"(\w+)(?:\[\w+\])? -\. undo \.-> (\w+)", diagram)}
    assert undos == {step: undo for step, undo in UNDOS.items() if undo != "reopen_payment"}
    assert set(steps.values()) <= activities_in(of_orders("checkout"))


def nodes(file: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((ROOT / "workflows" / file).read_text())))


def of_orders(*stories: str) -> list[ast.AST]:
    """The workflows of an order with their messages, or some of them."""
    files = [
        path.name
        for story in stories or ("checkout", "fulfilment", "return", "refund", "steps")
        for path in (ROOT / "workflows").glob(f"{story}*.py")
    ]
    return [node for file in files for node in nodes(file)]


def activities_in(tree: list[ast.AST]) -> set[str]:
    return {
        node.attr
        for node in tree
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id.endswith("Activities")
    }


def test_the_runbook_knows_every_step_that_can_be_stuck() -> None:
    steps = {name for name in first_column(OPERATIONS, "`StuckStep`") if name.isidentifier()}
    assert steps - {"retry_stuck"} == activities_in(of_orders()) - set(BESIDE)


def test_the_runbook_knows_everything_that_an_order_waits_for() -> None:
    waits = {
        argument.value
        for node in of_orders()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wait"
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
    }
    said = {node.value for node in of_orders() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert waits <= set(WHAT_TO_DO) <= said
    assert first_column(OPERATIONS, "`WaitingFor`") == set(WHAT_TO_DO)


def test_the_runbook_names_the_search_attributes() -> None:
    listed = re.search(r"The search attributes are (.*?), in the Web UI", " ".join(OPERATIONS.read_text().split()))
    assert listed
    assert re.findall(r"`(\w+)`", listed[1]) == list(SEARCH_ATTRIBUTES)


def test_the_architecture_lists_every_message() -> None:
    kinds = {"signal", "update", "query"}
    heard = set()
    for node in nodes("checkout_messages.py"):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(call, ast.Attribute) and call.attr in kinds:
                    renamed = [k.value for k in decorator.keywords] if isinstance(decorator, ast.Call) else []
                    heard.add(str(renamed[0].value) if renamed and isinstance(renamed[0], ast.Constant) else node.name)
    assert first_column(ARCHITECTURE, "message") == heard


def test_each_decision_is_one_screen_and_in_the_index() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for number, page in enumerate(ADRS, start=1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04d}-"), "numbers have no gap"
        title = text.splitlines()[0].removeprefix(f"# {number:04d} ")
        assert f"| [{number:04d}]({page.name}) | {title} |" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert len(text.splitlines()) <= 60
