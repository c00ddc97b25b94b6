"""Where the boxes of a picture stand: left to right, few crossings, short edges."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

import igraph
import numpy as np

Edge = tuple[str, str]
Point = tuple[float, float]

_BEND = 12.0
_GAP = 12.0
_COLUMN_GAP = 42.0
_SWEEPS = 30


@dataclass(frozen=True)
class Layout:
    """A picture's boxes and edges, in pixels.

    Attributes:
        centres: by box, where its centre is.
        routes: by edge, the points that it runs through, from the right of one box to the left of
            the other.
        size: width and height.
    """

    centres: dict[str, Point]
    routes: dict[Edge, list[Point]]
    size: Point


def _neighbours(edges: list[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before, after = defaultdict(list), defaultdict(list)
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    return before, after


def _columns(boxes: list[str], edges: list[Edge]) -> dict[str, int]:
    """Number the columns: what is made stands right of what it is made from, and not far."""
    before, after = _neighbours(edges)
    order = list(TopologicalSorter({box: before[box] for box in boxes}).static_order())
    column: dict[str, int] = {}
    for box in order:
        column[box] = max((column[one] + 1 for one in before[box]), default=0)
    for _ in range(len(boxes)):
        for box in reversed(order):
            if len(after[box]) > len(before[box]):
                column[box] = min(column[one] for one in after[box]) - 1
    return column


def _bent(column: dict[str, int], edges: list[Edge]) -> tuple[dict[str, int], dict[Edge, list]]:
    """Put a bend into each column that an edge runs through; edges from one box share theirs.

    Returns:
        The columns with those of the bends, and by edge the boxes and bends that it runs through.
    """
    columns, routes = dict(column), {}
    for edge in edges:
        source, target = edge
        inside = range(column[source] + 1, column[target])
        bends = {f"{source}>{number}": number for number in inside}
        columns |= bends
        routes[edge] = [source, *bends, target]
    return columns, routes


def _order(columns: dict[str, int], links: list[Edge]) -> list[list[str]]:
    """Order each column from top to bottom so that few edges cross (Sugiyama's method)."""
    names = list(columns)
    graph = igraph.Graph(directed=True)
    graph.add_vertices(names)
    graph.add_edges(links)
    coordinates = graph.layout_sugiyama(layers=list(columns.values()), maxiter=1000).coords
    place = {name: coordinates[number][0] for number, name in enumerate(names)}
    return [
        sorted((name for name in names if columns[name] == number), key=place.get)
        for number in range(max(columns.values()) + 1)
    ]


def _spread(wished: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """The places nearest to those wished for, in their order and at least the gaps apart.

    With the gaps taken off this is regression by a rising function: pool adjacent violators.
    """
    offsets = np.concatenate([[0.0], np.cumsum(gaps)])
    pools: list[tuple[float, int]] = []
    for value in wished - offsets:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (last, n_last), (first, n_first) = pools.pop(), pools.pop()
            total = n_first + n_last
            pools.append(((first * n_first + last * n_last) / total, total))
    return np.repeat([mean for mean, _ in pools], [n for _, n in pools]) + offsets


def _settle(
    order: list[list[str]], links: list[Edge], heights: dict[str, float]
) -> dict[str, float]:
    """Move boxes and bends up and down to where their neighbours are, a column at a time."""
    before, after = _neighbours(links)
    place = dict.fromkeys(heights, 0.0)
    for sweep in range(_SWEEPS):
        for column in order if sweep % 2 else order[::-1]:
            near = [before[one] + after[one] for one in column]
            wished = [
                np.mean([place[other] for other in others]) if others else place[one]
                for one, others in zip(column, near, strict=True)
            ]
            halves = np.array([heights[one] / 2 for one in column])
            found = _spread(np.array(wished), halves[:-1] + halves[1:] + _GAP)
            place |= dict(zip(column, found, strict=True))
    top = min(place[one] - heights[one] / 2 for one in place)
    return {one: value - top for one, value in place.items()}


def lay_out(sizes: dict[str, Point], edges: list[Edge]) -> Layout:
    """Place boxes in columns.

    Args:
        sizes: by box, its width and height in pixels.
        edges: pairs of boxes; they must not run in a circle.

    Returns:
        The layout, with edges from left to right.
    """
    columns, routes = _bent(_columns(list(sizes), edges), edges)
    links = list({link: None for route in routes.values() for link in pairwise(route)})
    order = _order(columns, links)
    heights = {one: sizes[one][1] if one in sizes else _BEND for one in columns}
    y = _settle(order, links, heights)
    widths = [max(sizes[one][0] for one in column if one in sizes) for column in order]
    lefts = np.concatenate([[0.0], np.cumsum(np.array(widths) + _COLUMN_GAP)])
    centres = {one: (lefts[columns[one]] + widths[columns[one]] / 2, y[one]) for one in sizes}
    paths = {}
    for (source, target), route in routes.items():
        bends = [
            (lefts[columns[one]] + part * widths[columns[one]], y[one])
            for one in route[1:-1]
            for part in (0, 1)
        ]
        start = centres[source][0] + sizes[source][0] / 2, y[source]
        stop = centres[target][0] - sizes[target][0] / 2, y[target]
        paths[source, target] = [start, *bends, stop]
    height = max(y[one] + heights[one] / 2 for one in y)
    return Layout(centres, paths, (float(lefts[-1]) - _COLUMN_GAP, float(height)))
