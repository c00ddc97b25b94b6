"""One page of HTML from sections of text, tables and figures; knows nothing of EEG."""

from hbac.report.blocks import (
    Block,
    Document,
    Fact,
    Facts,
    FigureBlock,
    Folded,
    Heading,
    Link,
    Notice,
    Paragraph,
    Section,
    Span,
    Table,
)
from hbac.report.picture import shrink
from hbac.report.render import render

__all__ = [
    "Block",
    "Document",
    "Fact",
    "Facts",
    "FigureBlock",
    "Folded",
    "Heading",
    "Link",
    "Notice",
    "Paragraph",
    "Section",
    "Span",
    "Table",
    "render",
    "shrink",
]
