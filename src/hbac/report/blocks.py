"""What a report is made of: sections of text, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "warning", "note", "missing"]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Plain text; what stands between backticks is shown as code."""

    text: str
    kind = "paragraph"


@dataclass(frozen=True)
class Notice:
    """Text that must not be overlooked.

    Attributes:
        text: as in a paragraph.
        tone: ``good``, ``warning``, ``note`` or ``missing`` (something was not made).
    """

    text: str
    tone: Tone = "note"
    kind = "notice"


@dataclass(frozen=True)
class Fact:
    """One number in large type.

    Attributes:
        value: with its unit.
        name: what it is.
        detail: interval, sample size.
    """

    value: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """Numbers side by side."""

    facts: Sequence[Fact]
    kind = "facts"


@dataclass(frozen=True)
class Span:
    """An estimate and its interval as places on an axis from 0 to 1; None where unknown."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads to another page.

    Attributes:
        text: what is shown.
        target: the page, relative to this one.
    """

    text: str
    target: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a caption; the first cell of a row names it.

    Attributes:
        caption: what the table holds, with units and sample size.
        header: a name a column.
        rows: cells as text or links, a row each of the header's length.
        numeric: columns that are aligned to the right, by index.
        spans: for each row, an interval that is drawn behind the last column; or none at all.
        axis: what the spans show, at the head of their column.

    Raises:
        ValueError: if a row is not as long as the header, or the spans are not as many as rows.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Link]]
    numeric: frozenset[int] = frozenset()
    spans: Sequence[Span] = ()
    axis: str = ""
    kind = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"a row of {self.caption!r} must have {len(self.header)} cells, "
                    f"received {len(row)}"
                )
        if self.spans and len(self.spans) != len(self.rows):
            raise ValueError(f"{len(self.rows)} rows must have as many spans: {len(self.spans)}")


@dataclass(frozen=True)
class FigureBlock:
    """A picture with its caption.

    Attributes:
        picture: content of a PNG file.
        alt: what is seen, for who cannot see it.
        caption: what is seen and the sample size.
    """

    picture: bytes
    alt: str
    caption: str
    kind = "figure"


@dataclass(frozen=True)
class Folded:
    """Blocks that show once their title is tapped; print shows them all."""

    title: str
    blocks: Sequence[Block]
    kind = "folded"


Block = Heading | Paragraph | Notice | Facts | Table | FigureBlock | Folded


@dataclass(frozen=True)
class Section:
    """A part of the report with a place in its table of contents.

    Attributes:
        anchor: name in links; letters and hyphens.
        title: heading.
        blocks: from top to bottom.
    """

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        title: heading of the page.
        subtitle: of what, and when.
        sections: in their order.
        footer: last line.
    """

    title: str
    subtitle: str
    sections: Sequence[Section]
    footer: str = ""
