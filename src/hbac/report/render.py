"""A report as one page of HTML that needs no other file."""

from __future__ import annotations

import re
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hbac.report.blocks import Document
from hbac.report.picture import data_uri, picture_size

_CODE = re.compile(r"`([^`]+)`")


def _with_code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hbac.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "with_code": _with_code,
        "data_uri": data_uri,
        "picture_size": picture_size,
    }
    return environment


def render(document: Document) -> str:
    """Write a report as HTML: style and pictures inside, no script, nothing to be fetched.

    Figures and tables are numbered through the document.

    Args:
        document: what it says; any text in it is escaped.

    Returns:
        The page, with wide and narrow screens and paper in mind.
    """
    numbers = {name: count(1).__next__ for name in ("next_figure", "next_table")}
    return _environment().get_template("report.html.jinja").render(document=document, **numbers)
