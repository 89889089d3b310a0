"""The picture of the package shows what the code has."""

import re

import grimp
import pytest

from reluclf import paths
from reluclf.showing import house

AGAIN = 'draw it anew: python -c "from reluclf.showing import house; house.draw()"'


@pytest.fixture(scope="module")
def graph():
    """The imports as the linter reads them."""
    return grimp.build_graph("reluclf", cache_dir=None)


def room(module):
    first = module.split(".")[1]
    if first in ("campaign", "judging", "showing"):
        return first
    return "commands" if first in ("__main__", "cli", "commands") else "core"


def test_the_arrows_are_the_imports_that_the_linter_sees(graph):
    modules = [module for module in graph.modules if module != "reluclf"]
    pairs = {
        (room(module), room(used))
        for module in modules
        for used in graph.find_modules_directly_imported_by(module)
        if used != "reluclf"
    }
    assert house.arrows() == {(one, other) for one, other in pairs if one != other} != set()


def test_every_module_stands_in_its_room(graph):
    leaves = {module for module in graph.modules if not graph.find_children(module)}
    assert {(name, module) for name, modules in house.modules().items() for module in modules} == {
        (room(module), module.rpartition(".")[2]) for module in leaves
    }


def test_the_picture_has_exactly_the_arrows_of_the_code():
    axes = house.figure().axes[0]
    drawn = [
        text.arrow_patch.get_gid() for text in axes.texts if getattr(text, "arrow_patch", None)
    ]
    assert sorted(drawn) == sorted(f"arrow {one} {other}" for one, other in house.arrows())


def test_the_committed_picture_is_of_the_code_as_it_is():
    picture = house.FILE.read_text(encoding="utf-8")
    assert set(re.findall(r'id="arrow (\w+ \w+)"', picture)) == {
        " ".join(pair) for pair in house.arrows()
    }, AGAIN
    words = set(
        re.findall(
            r"[a-z_]\w+",
            " ".join(
                re.findall(r"<text[^>]*>([^<]+)<", picture)
                + re.findall(r"<tspan[^>]*>([^<]+)<", picture)
            ),
        )
    )
    assert {name for names in house.modules().values() for name in names} <= words, AGAIN


def test_the_appendix_has_the_functions_of_every_module():
    listed = re.findall(
        r"automodule:: reluclf\.([\w.]+)", (paths.BOOK / "api.md").read_text(encoding="utf-8")
    )
    names = [
        f"{room}.{name}" if room in ("campaign", "judging", "showing") else name
        for room, names in house.modules().items()
        for name in names
    ]
    assert sorted(listed) == sorted(names)
