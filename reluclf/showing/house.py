"""The package in one picture, read from its imports: rooms, modules, and which room uses which."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from reluclf import paths
from reluclf.showing import figures, origins
from reluclf.showing.figures import Looks

#: The rooms, from the one that uses all others to the one that uses none, and what each is for.
ROOMS = {
    "commands": "what is typed in a terminal",
    "showing": "tables, figures, chapters",
    "judging": "statistics, rules, verdicts",
    "campaign": "many runs",
    "core": "one run: what it is, how it is trained, what it gave",
}

#: The file that CONTRIBUTING shows; :func:`draw` makes it anew.
FILE = paths.BOOK / "_static" / "house.svg"

_COMMANDS = ("__main__", "cli", "commands")

#: Of each room its left and lower edge, its width, and its colour, a pale one of Okabe and Ito's.
_PLACES = {
    "commands": (0.0, 5.1, 7.0, "#EEEEEE"),
    "showing": (0.0, 3.4, 7.0, "#CFE8F7"),
    "judging": (0.0, 1.7, 3.3, "#FCE5BF"),
    "campaign": (3.7, 1.7, 3.3, "#CDEBDF"),
    "core": (0.0, 0.0, 7.0, "#F3D9E7"),
}
_HEIGHT, _EDGE = 1.15, "#333333"

#: Where the arrow from one room to another leaves and arrives, and how far it is bent. One that
#: should not be there crosses the picture.
_ARROWS = {
    ("commands", "showing"): ((3.5, 5.1), (3.5, 4.55), 0.0),
    ("commands", "judging"): ((0.0, 5.5), (0.0, 2.5), 0.25),
    ("commands", "campaign"): ((7.0, 5.5), (7.0, 2.5), -0.25),
    ("commands", "core"): ((7.0, 5.8), (7.0, 0.5), -0.35),
    ("showing", "judging"): ((1.65, 3.4), (1.65, 2.85), 0.0),
    ("showing", "campaign"): ((5.35, 3.4), (5.35, 2.85), 0.0),
    ("showing", "core"): ((3.5, 3.4), (3.5, 1.15), 0.0),
    ("judging", "core"): ((1.65, 1.7), (1.65, 1.15), 0.0),
    ("campaign", "core"): ((5.35, 1.7), (5.35, 1.15), 0.0),
}


def modules() -> dict[str, list[str]]:
    """List the modules of each room, by name."""
    package = paths.ROOT / "reluclf"
    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for file in sorted(package.rglob("[!.]*.py")):
        if file.stem != "__init__":
            rooms[_room(file.relative_to(package))].append(file.stem)
    return rooms


def arrows() -> set[tuple[str, str]]:
    """Read from the imports of all modules which room uses which other."""
    package = paths.ROOT / "reluclf"
    pairs = set()
    for file in package.rglob("[!.]*.py"):
        inside = file.relative_to(package)
        if inside != Path("__init__.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            pairs |= {(_room(inside), _room(used)) for used in _imported(tree)}
    return {(room, used) for room, used in pairs if room != used}


def _imported(tree: ast.Module) -> list[Path]:
    """List what a module takes from this package, as paths inside it."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [name.split(".") for name in names]
    return [Path(*part[1:]) for part in parts if part[0] == "reluclf" and len(part) > 1]


def _room(inside: Path) -> str:
    """Name the room of a path inside the package."""
    if inside.parts[0] in ROOMS:
        return inside.parts[0]
    return "commands" if Path(inside.parts[0]).stem in _COMMANDS else "core"


@origins.traced
def figure() -> Figure:
    """Draw the rooms with their modules, and an arrow from each room to those that it uses."""
    drawn, axes = plt.subplots(figsize=(7.2, 5.4))
    axes.set(xlim=(-1.1, 8.4), ylim=(-0.1, 6.35))
    axes.set_axis_off()
    centred: Looks = {"ha": "center", "va": "center"}
    for room, names in modules().items():
        left, low, width, colour = _PLACES[room]
        style = "round,pad=0,rounding_size=0.12"
        looks: Looks = {"facecolor": colour, "edgecolor": _EDGE, "gid": f"room {room}"}
        axes.add_patch(FancyBboxPatch((left, low), width, _HEIGHT, style, **looks))
        middle, title = left + width / 2, f"{room}: {ROOMS[room]}"
        axes.text(middle, low + _HEIGHT - 0.25, title, fontsize=8, weight="bold", **centred)
        axes.text(middle, low + 0.4, _in_lines(names, 12 * width), fontsize=7, **centred)
    for room, used in sorted(arrows()):
        start, end, bend = _ARROWS.get((room, used), (_middle(room), _middle(used), 0.3))
        properties: Looks = {"arrowstyle": "-|>", "color": _EDGE, "shrinkA": 0, "shrinkB": 0}
        properties |= {"connectionstyle": f"arc3,rad={bend}", "gid": f"arrow {room} {used}"}
        axes.annotate("", xy=end, xytext=start, arrowprops=properties)
    return drawn


def _middle(room: str) -> tuple[float, float]:
    left, low, width, _ = _PLACES[room]
    return left + width / 2, low + _HEIGHT / 2


def _in_lines(names: list[str], most: float) -> str:
    """Write names one after another, a line no longer than so many characters."""
    return textwrap.fill(", ".join(names), int(most))


def draw() -> Path:
    """Draw the picture that CONTRIBUTING shows, and return its file."""
    figures.style()
    with plt.rc_context({"svg.fonttype": "none"}):  # its words can be searched, and read aloud
        figure().savefig(FILE, metadata={"Date": None})
    return FILE
