import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from hbac.report import (
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
    render,
)
from tests.browser import open_page, served


def picture(width=1600, height=900):
    stored = io.BytesIO()
    Image.new("RGB", (width, height), "#0072b2").save(stored, "PNG")
    return stored.getvalue()


def wide_table():
    header = [f"a long column {number}" for number in range(12)]
    return Table("Wide, in µV. n = 2.", header, [header, header], frozenset({1}))


@pytest.fixture(scope="module")
def page():
    estimates = Table(
        "Scores. n = 3 windows.",
        ("predicted by", "KL"),
        [("networks", "0.5"), ("nobody", "none")],
        spans=[Span(0.5, 0.25, 0.75), Span(None)],
        axis="0 to 1",
    )
    first = [
        Notice("Better than <chance> & luck, see `kedro run --pipeline a<b`", "good"),
        Facts([Fact("0.5 nats", "KL divergence", "0.4 to 0.6")]),
        estimates,
        FigureBlock(picture(), 'A blue "page"', "One colour. n = 1."),
    ]
    second = [
        Heading("Below"),
        Paragraph("/a/very/long/path/without/any/place/to/break/" + "x" * 200),
        Folded("Open me", [wide_table(), FigureBlock(picture(), "Again", "Again. n = 1.")]),
        Notice("Not there.", "missing"),
    ]
    sections = [Section("first", "First things", first), Section("second", "Second", second)]
    return render(Document("A <report>", "of a run", sections, "The end"))


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def of(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]


def test_nothing_is_loaded_from_elsewhere(page):
    tags = Tags(page)
    loaded = [attrs[key] for _, attrs in tags.tags for key in ("src", "href") if key in attrs]
    assert len(loaded) > 5
    assert all(target.startswith(("#", "data:")) for target in loaded)
    assert tags.of("script", "iframe", "object") == []
    assert not re.search(r"@import|url\(|https?:", page)


def test_every_picture_is_inside_with_a_text_and_a_size(page):
    pictures = Tags(page).of("img")
    assert [image["alt"] for image in pictures] == ['A blue "page"', "Again"]
    for image in pictures:
        head, _, content = image["src"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(content) == picture()
        assert (image["width"], image["height"]) == ("1600", "900")


def test_sections_stand_in_the_contents_under_their_headings(page):
    links = [link["href"] for link in Tags(page).of("a")]
    ids = {attrs["id"] for _, attrs in Tags(page).tags if "id" in attrs}
    assert [link for link in links if link in ("#first", "#second")] == ["#first", "#second"]
    assert {link[1:] for link in links} <= ids
    assert '<h2 id="first-title">First things</h2>' in page
    assert '<html lang="en">' in page


def test_ids_are_unique(page):
    ids = [attrs["id"] for _, attrs in Tags(page).tags if "id" in attrs]
    assert len(set(ids)) == len(ids)


def test_text_is_escaped_and_code_is_marked(page):
    assert "Better than &lt;chance&gt; &amp; luck" in page
    assert "<code>kedro run --pipeline a&lt;b</code>" in page
    assert "<title>A &lt;report&gt;</title>" in page
    assert "<chance>" not in page


def test_figures_and_tables_are_numbered_through(page):
    assert re.findall(r"<b>((?:Figure|Table) \d)\.</b>", page) == [
        *("Table 1", "Figure 1", "Table 2", "Figure 2")
    ]


def test_an_interval_is_drawn_where_it_lies(page):
    assert 'class="interval" x1="61.0" x2="179.0"' in page
    assert 'class="value" x1="120.0" x2="120.0"' in page
    assert page.count('class="interval"') == 1


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"a row of 'T' must have 2 cells, received 1"):
        Table("T", ("a", "b"), [("1",)])


_MEASURE = """<!DOCTYPE html><body><iframe src="report.html" style="width: 390px; height: 800px">
</iframe><script>
document.querySelector("iframe").onload = event => {
  const page = event.target.contentDocument, view = event.target.contentWindow;
  const images = [...page.images].filter(image => image.naturalWidth == 1600).length;
  page.querySelectorAll("details").forEach(one => one.open = true);
  const wide = page.documentElement.scrollWidth, loaded =
    view.performance.getEntriesByType("resource").length;
  document.title = `measured: ${view.innerWidth} ${wide} ${images} ${loaded}`;
};
</script></body>"""


def test_a_phone_shows_it_without_scrolling_sideways(page, tmp_path):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    (tmp_path / "measure.html").write_text(_MEASURE)
    with served(tmp_path) as address:
        shown = open_page(f"{address}/measure.html", tmp_path, until="measured:")
    inner, wide, images, loaded = re.search(r"measured: (\d+) (\d+) (\d+) (\d+)", shown).groups()
    assert inner == "390"
    assert int(wide) <= 390
    assert images == "2"
    assert loaded == "0"


def test_a_cell_may_lead_to_another_page():
    rows = [(Link("night <1>", "recordings/night%201.html"), "2 h")]
    table = Table("Recordings. n = 1.", ("recording", "lasts"), rows)
    page = render(Document("Recordings", "of a folder", [Section("all", "All", [table])]))
    assert '<a href="recordings/night%201.html">night &lt;1&gt;</a>' in page
    assert "2 h" in page
