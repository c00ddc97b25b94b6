"""Pictures of pipelines: nodes and datasets, left to right, as SVG in a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from layout import Edge, Layout, Point, lay_out
from project import LAYERS, entry, family, inputs_of, made_by, read_by, short_name

_LETTER, _LINE, _MARGIN = 6.7, 15.0, 10.0
_LONGEST = 19
_FEW = 3
_ASIDE = re.compile(r"(checkpoint|_failures|^simulation_mark)$")
"""Bookkeeping that a picture of whole pipelines leaves out."""


@dataclass(frozen=True)
class Box:
    """What a picture shows of a node, a group of nodes, or a dataset.

    Attributes:
        label: its name.
        look: ``node``, ``group``, or that of the dataset's layer (``memory`` where it is not
            stored, ``other`` where it has none).
        hint: what a pointer that rests on it shows.
    """

    label: str
    look: str
    hint: str = ""

    @property
    def lines(self) -> list[str]:
        """The label, broken at its underscores and points where it is long."""
        lines = [""]
        for part in self.label.replace("_", "_\0").replace(".", ".\0").split("\0"):
            if lines[-1] and len(lines[-1]) + len(part) > _LONGEST:
                lines.append("")
            lines[-1] += part
        return lines

    @property
    def size(self) -> Point:
        """Width and height in pixels."""
        return max(map(len, self.lines)) * _LETTER + 24, len(self.lines) * _LINE + 12


@dataclass(frozen=True)
class Drawing:
    """Boxes by their keys, and edges between them."""

    boxes: dict[str, Box]
    edges: list[Edge]


def _look(layer: str) -> str:
    """The layer's name without its number, with which no name in a style sheet may begin."""
    return layer.partition("_")[2] or "other"


def _dataset(name: str) -> Box:
    found = entry(name)
    if found is None:
        return Box(family(name), "memory", "kept in memory")
    return Box(family(name), _look(found["layer"] or ""), found["path"])


def first_sentence(node: Node) -> str:
    """What a node does, by its docstring."""
    return (node.func.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def _together(names: list[str], layer: str) -> Box:
    """Several datasets of a folder as one box."""
    return Box(f"{layer} ({len(names)})", _look(layer), ", ".join(map(family, names)))


def _sources(pipeline: Pipeline) -> dict[str, tuple[Box, set[str]]]:
    """Boxes of what a pipeline must be given, and the nodes that read it.

    What one node alone reads from one folder is one box where it is much.
    """
    readers: dict[str, set[str]] = {name: set() for name in inputs_of(pipeline)}
    for node in pipeline.nodes:
        for name in set(read_by(node)) & set(readers):
            readers[name].add(f"node {family(node.name)}")
    return _handed(list(readers), readers)


def draw_nodes(pipeline: Pipeline) -> Drawing:
    """Every node of a pipeline and every dataset, those that differ in fold or class once."""
    boxes, edges = {}, {}
    for node in pipeline.nodes:
        key = f"node {family(node.name)}"
        boxes[key] = Box(short_name(node), "node", first_sentence(node))
        made = made_by(node, pipeline)
        boxes |= {family(name): _dataset(name) for name in made}
        edges |= {(key, family(name)): None for name in made}
    for dataset, (box, readers) in _sources(pipeline).items():
        boxes[dataset] = box
        edges |= {(dataset, reader): None for reader in readers}
    for node in pipeline.nodes:
        read = [family(name) for name in read_by(node)]
        edges |= {(one, f"node {family(node.name)}"): None for one in read if one in boxes}
    return Drawing(boxes, list(edges))


def _handed(made: list[str], users: dict[str, set[str]]) -> dict[str, tuple[Box, set[str]]]:
    """Boxes of what a group hands on, and who takes it.

    What lies in one folder and is taken by the same groups is one box where it is much, and so is
    what nobody takes, which are final results.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for name in made:
        found, takers = entry(name), sorted(users.get(name, ()))
        layer = (found["layer"] or "") if found else ""
        if takers or layer:
            together.setdefault((layer, *takers), []).append(name)
    boxes = {}
    for (layer, *takers), names in together.items():
        if layer and len(names) > (_FEW if takers else 1):
            boxes[f"{names[0]} and others"] = _together(names, layer), set(takers)
        else:
            boxes |= {family(name): (_dataset(name), set(takers)) for name in names}
    return boxes


def _groups(pipeline: Pipeline) -> dict[str, tuple[list[str], list[str]]]:
    """By pipeline that a composed one is made of, the datasets that it reads and makes."""
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for node in pipeline.nodes:
        read, made = groups.setdefault(node.name.split(".")[0], ([], []))
        read += [name for name in read_by(node) if not _ASIDE.search(name)]
        made += [name for name in made_by(node, pipeline) if not _ASIDE.search(name)]
    return groups


def draw_groups(pipeline: Pipeline) -> Drawing:
    """A composed pipeline: the pipelines that it is made of, and what they hand on."""
    groups, boxes, edges = _groups(pipeline), {}, {}
    makers = {family(name): group for group, (_, made) in groups.items() for name in made}
    users: dict[str, set[str]] = {}
    for group, (read, _) in groups.items():
        for name in read:
            if makers.get(family(name)) != group:
                users.setdefault(name, set()).add(group)
    for group, (_, made) in groups.items():
        key = f"node {group}"
        boxes[key] = Box(group, "group")
        inside = {family(name) for name in groups[group][0]}
        shown = [name for name in made if users.get(name) or family(name) not in inside]
        for dataset, (box, takers) in _handed(shown, users).items():
            boxes[dataset] = box
            edges |= {(key, dataset): None} | {(dataset, f"node {one}"): None for one in takers}
    for name, takers in users.items():
        if family(name) not in makers:
            boxes[family(name)] = _dataset(name)
            edges |= {(family(name), f"node {one}"): None for one in takers}
    return Drawing(boxes, list(edges))


def _curves(layout: Layout) -> str:
    """Smooth lines between the points of all routes, what they share drawn once."""
    steps = {step: None for route in layout.routes.values() for step in pairwise(route)}
    paths = []
    for (x, y), (to_x, to_y) in steps:
        half = (x + to_x) / 2
        curve = f"C{half:.0f} {y:.1f} {half:.0f} {to_y:.1f} {to_x:.0f} {to_y:.1f}"
        paths.append(f"M{x:.0f} {y:.1f}{curve if y != to_y else f'H{to_x:.0f}'}")
    return "".join(paths)


def _box_svg(box: Box, centre: Point) -> str:
    (x, y), (width, height) = centre, box.size
    kind = "node" if box.look in ("node", "group") else "data"
    radius = 4 if kind == "node" else height / 2
    first = y - (len(box.lines) - 1) * _LINE / 2 + 4
    text = "".join(
        f'<tspan x="{x:.1f}" y="{first + number * _LINE:.1f}">{escape(line)}</tspan>'
        for number, line in enumerate(box.lines)
    )
    hint = f"<title>{escape(f'{box.label}: {box.hint}' if box.hint else box.label)}</title>"
    return (
        f'<g class="{kind} {box.look}">{hint}<rect x="{x - width / 2:.1f}" '
        f'y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"/>'
        f'<text text-anchor="middle">{text}</text></g>'
    )


def _svg(drawing: Drawing, layout: Layout, title: str) -> str:
    width, height = (side + 2 * _MARGIN for side in layout.size)
    boxes = "".join(_box_svg(drawing.boxes[key], at) for key, at in layout.centres.items())
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}">'
        f'<path class="edges" d="{_curves(layout)}"/>{boxes}</svg>'
    )


def _legend(drawing: Drawing) -> str:
    looks = {box.look for box in drawing.boxes.values()}
    named = {"node": "node", "group": "pipeline"} | {_look(layer): layer for layer in LAYERS}
    named |= {"other": "stored, no layer", "memory": "in memory"}
    return "".join(
        f'<span class="{"node" if look in ("node", "group") else "data"} {look}">{name}</span>'
        for look, name in named.items()
        if look in looks
    )


def picture(drawing: Drawing, title: str, *, look: str = "wide") -> str:
    """Draw a picture with its legend.

    Args:
        drawing: what to draw.
        title: what the picture shows, for those who can't see it.
        look: ``wide`` scrolls sideways where the page is narrow, ``fitted`` shrinks first.

    Returns:
        HTML without empty lines, which Markdown passes through.
    """
    layout = lay_out({key: box.size for key, box in drawing.boxes.items()}, drawing.edges)
    canvas = f'<div class="canvas" tabindex="0">{_svg(drawing, layout, title)}</div>'
    return f'<div class="pipeline {look}">{canvas}<p class="legend">{_legend(drawing)}</p></div>'
