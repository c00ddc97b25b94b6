"""What mkdocs calls: parts of pages that are made from the code, and formulas.

A page asks for a part by its name in double braces, such as ``{{ picture eda }}``. What it gets is
made from the pipelines, the catalog and the typed parameters as they are, so it cannot go stale.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import drawing
import tables
from formulas import formula
from project import ROOT, pipelines

_PART = re.compile(r"^\{\{ (\w+)(?: ([\w.]+))? \}\}$", re.MULTILINE)
_BLOCK = re.compile(r'<div class="arithmatex">\\\[(.+?)\\\]</div>', re.DOTALL)
_INLINE = re.compile(r'<span class="arithmatex">\\\((.+?)\\\)</span>', re.DOTALL)


def _picture(name: str) -> str:
    return drawing.picture(drawing.draw_nodes(pipelines()[name]), f"The pipeline {name}")


def _groups(name: str) -> str:
    drawn = drawing.draw_groups(pipelines()[name])
    return drawing.picture(drawn, f"The pipeline {name}", look="fitted")


def _modules(package: str) -> str:
    """Ask mkdocstrings for every public module of a package, in the order of their names."""
    folder = ROOT.joinpath("src", *package.split("."))
    found = [file for file in sorted(folder.rglob("*.py")) if not file.stem.startswith("_")]
    names = [".".join(file.relative_to(ROOT / "src").with_suffix("").parts) for file in found]
    return "\n\n".join(f"::: {name}" for name in names)


def _parameters(name: str) -> str:
    return tables.parameters_table(pipelines()[name], group=name)


def _table(make: Any, name: str) -> str:
    return make(pipelines()[name])


_PARTS = {
    "picture": _picture,
    "groups": _groups,
    "nodes": partial(_table, tables.nodes_table),
    "inputs": partial(_table, tables.inputs_table),
    "outputs": partial(_table, tables.outputs_table),
    "parameters": _parameters,
    "modules": _modules,
    "changes": tables.changes_table,
}


def _fill(found: re.Match[str]) -> str:
    make, argument = _PARTS[found[1]], found[2]
    return make(argument) if argument else make()


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the parts that a page asks for where it asks for them."""
    return _PART.sub(_fill, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Draw the formulas of a page."""
    html = _BLOCK.sub(lambda found: f'<p class="formula">{formula(found[1])}</p>', html)
    return _INLINE.sub(lambda found: formula(found[1]), html)
