"""Tables of a pipeline's nodes, inputs, outputs and parameters, as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any, get_type_hints

from drawing import first_sentence
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from project import ROOT, entry, family, inputs_of, outputs_of, parameters, short_name

from hbac.pipelines.parameters import Parameters

_PLAIN = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true, false",
    "object": "mapping",
}
_CHANGING = {"demo": "seed", "pretraining": "simulation"}
"""Pipelines that change parameters, and the recipe in which they do."""

_CHANGED = re.compile(r"^\w+_parameters\.")
"""What stands before the name of parameters that such a pipeline changes."""

_KEY = re.compile(r"^(\s*)([a-z_]+):")


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    cells = [" | ".join(cell.replace("|", "&#124;") for cell in line) for line in lines]
    return "\n".join(f"| {line} |" for line in cells)


def nodes_table(pipeline: Pipeline) -> str:
    """Name every node of a pipeline and what it does."""
    nodes = {family(node.name): node for node in pipeline.nodes}
    rows = [(f"`{short_name(node)}`", _sentence(node)) for node in nodes.values()]
    return _table(("node", "what it does"), rows)


def _sentence(node: Node) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", first_sentence(node))


def _type(found: dict[str, Any]) -> str:
    """The dataset's class, linked to the reference where it is the project's own."""
    name = found["type"].rsplit(".", 1)[-1]
    if name == "ParallelPartitionedDataset" and found["of_each"]:
        return f"{_link(found['of_each'])}, [a file each](../many_files.md)"
    return _link(found["type"])


def _link(path: str) -> str:
    name = path.rsplit(".", 1)[-1]
    return f"`{name}`" if not path.startswith("hbac.") else f"[`{name}`](../reference/datasets.md)"


def _path(path: str) -> str:
    """A path that may break after its slashes."""
    return f"<code>{path.replace('/', '/<wbr>')}</code>"


def _stored(names: list[str]) -> str:
    rows = [
        (f"`{family(name)}`", _path(found["path"]), found["layer"] or "", _type(found))
        for name in names
        if (found := entry(name))
    ]
    return _table(("dataset", "where", "layer", "type"), rows) if rows else "Nothing."


def inputs_table(pipeline: Pipeline) -> str:
    """List the datasets that a pipeline must be given."""
    return _stored(inputs_of(pipeline))


def outputs_table(pipeline: Pipeline) -> str:
    """List the datasets that a pipeline makes; last, those that it keeps in memory."""
    names = outputs_of(pipeline)
    passing = [f"`{family(name)}`" for name in names if entry(name) is None]
    also = f"\n\nIn memory alone: {', '.join(passing)}." if passing else ""
    return _stored(names) + also


def _models(pipeline: Pipeline) -> dict[str, type[Parameters]]:
    """The typed parameters of a pipeline, by their name in the configuration."""
    models = {}
    for node in pipeline.nodes:
        function = inspect.unwrap(node.func)
        hints = get_type_hints(function)
        names = list(inspect.signature(function).parameters)
        for name, dataset in zip(names, node.inputs, strict=False):
            hint = hints.get(name)
            if inspect.isclass(hint) and issubclass(hint, Parameters):
                models[_CHANGED.sub("", dataset.removeprefix("params:"))] = hint
    return dict(sorted(models.items()))


def comments() -> dict[str, str]:
    """The comments above the keys of the parameter files, by the key's last two names.

    A key without one has that of the keys above it, if it is named there. The recipe ``seed``
    stands first and is the one that explains; what composed pipelines change has its own reasons.
    """
    found: dict[str, str] = {}
    for file in sorted((ROOT / "conf/base").glob("parameters_*.yml")):
        if file.stem.removeprefix("parameters_") not in _CHANGING:
            for name, said in _explained(file.read_text(encoding="utf-8").splitlines()):
                found.setdefault(name, said)
    return found


def _explained(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The keys of a file and what is said of them."""
    above: list[str] = []
    stack: list[tuple[int, str]] = []
    said = ""
    for line in lines:
        if line.strip().startswith("#"):
            above.append(line.strip()[1:].removeprefix(" "))
        elif key := _KEY.match(line):
            indent = len(key[1])
            stack = [*(one for one in stack if one[0] < indent), (indent, key[2])]
            said = _prose(above) if above else said
            if above or re.search(rf"\b{key[2]}\b", said):
                yield ".".join(part for _, part in stack[-2:]), said
            above = []
        else:
            above, said = [], ""


def _prose(lines: list[str]) -> str:
    """A comment as one cell: each choice on a line of its own, names in code."""
    text = ""
    for line in lines:
        choice = re.match(r"\s{2,}(\w+): (.*)", line)
        text += f"<br>`{choice[1]}`: {choice[2]}" if choice else f" {line.strip()}"
    return text.strip()


def _kind(schema: dict[str, Any]) -> str:
    """A type and its limits in words, from a JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "null":
        return "null"
    if schema.get("type") == "array":
        first = (schema.get("prefixItems") or [schema.get("items", {})])[0]
        return f"{'pair' if 'prefixItems' in schema else 'list'}, each {_kind(first)}"
    limits = [
        f"{words} {schema[key]:g}"
        for key, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    return ", ".join([_PLAIN.get(schema.get("type", ""), "text"), *limits])


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f"`{str(value).lower() if value is not None else 'null'}`"
    return f"`{value}`"


def _rows(
    model: dict[str, Any], whole: dict[str, Any], path: str, values: list[Any], said: dict[str, str]
) -> list[tuple[str, ...]]:
    """A row a parameter, those of parts below those of the whole."""
    rows, parts = [], []
    for name, schema in model["properties"].items():
        own, key = f"{path}.{name}", ".".join([path.rsplit(".", 1)[-1], name])
        of_each = [value[name] for value in values]
        if "$ref" in schema:
            part = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            parts += _rows(part, whole, own, of_each, said)
            continue
        described = schema.get("description", "")
        meaning = said.get(key) or described[:1].upper() + described[1:]
        shown = [_value(value) for value in of_each]
        defaults = shown[0] if len(set(shown)) == 1 else " / ".join(shown)
        rows.append((f"`{own}`", _kind(schema), defaults, meaning))
    return rows + parts


def _configured(name: str) -> list[dict[str, Any]]:
    """Values of a group of parameters, or of a part of one, in each of the recipes."""
    recipes = map(parameters, parameters()["recipes"])
    return [reduce(getitem, name.split("."), recipe) for recipe in recipes]


_COPIED = {"seen": "modeling"}
"""Groups that repeat parameters of another, which is where they are changed."""


def _belongs(name: str, group: str) -> bool:
    """Whether parameters are a group's, or a part of it.

    Those of ``recordings`` are called ``recording``: the other name is that of what is read.
    """
    return name.split(".")[0] in (group, group.removesuffix("s"))


def parameters_table(pipeline: Pipeline, group: str | None = None) -> str:
    """List every parameter of a pipeline: what it may be, its defaults, and what it means.

    Args:
        pipeline: whose parameters.
        group: the one group of them that is listed; the others are named. All where None.
    """
    said, rows, others = comments(), [], []
    for name, model in _models(pipeline).items():
        if group and not _belongs(name, group):
            page = _COPIED.get(name, name)
            others.append(f"[{page}]({page}.md#parameters)")
            continue
        schema = model.model_json_schema()
        rows += _rows(schema, schema, name, _configured(name), said)
    if not rows:
        return f"Those of {', '.join(others)}."
    also = f"\n\nIt also reads those of {', '.join(others)}." if others else ""
    return _table(("parameter", "may be", "default", "meaning"), rows) + also


def flatten(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Name every value of nested parameters as on the command line."""
    flat = {}
    for name, value in values.items():
        own = f"{path}.{name}".lstrip(".")
        flat |= flatten(value, own) if isinstance(value, dict) and value else {own: value}
    return flat


def changes_table(name: str) -> str:
    """List what a pipeline with parameters of its own changes in a recipe."""
    recipe = _CHANGING[name]
    usual = flatten(parameters(recipe))
    rows = [
        (f"`{own}`", _value(usual[own]), _value(value))
        for own, value in flatten(parameters()[name]).items()
        if value != {}
    ]
    return _table(("parameter", f"recipe `{recipe}`", f"`{name}`"), rows)


def parameter_names(pipeline: Pipeline) -> list[str]:
    """Every parameter of a pipeline, as it is named on the command line."""
    return re.findall(r"^\| `([\w.]+)`", parameters_table(pipeline), re.MULTILINE)
