import io
import re
from datetime import timedelta
from functools import partial

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.formats.clock import Gap
from hbac.pipelines.explainability.networks import explained_layout, map_size
from hbac.pipelines.recordings.event_nodes import choose_events, name_chains
from hbac.pipelines.recordings.index_nodes import write_index
from hbac.pipelines.recordings.page_nodes import (
    draw_days,
    draw_event_pages,
    draw_event_tests,
    draw_trends,
    write_recording_pages,
)
from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.page_sections import unread_reasons
from hbac.pipelines.recordings.page_words import length, moment
from hbac.pipelines.recordings.params import ReadingParams
from hbac.timeline import find_events, measure_burden
from tests.browser import open_page
from tests.conftest import recipe
from tests.pipelines.opened import START, Opened
from tests.plots.courses import timeline
from tests.shipped import SHIPPED

PARAMS = PageParams(**recipe()["recording"]["page"] | {"pages_per_class": 1, "events_listed": 5})
READING = ReadingParams(**recipe()["recording"]["reading"])
NO_TESTS = {"method": "Fusion", "failing": [], "n_events": 0, "n_recordings": 0}


def value(thing):
    return thing


def loader(thing):
    return partial(value, thing)


def png(draw):
    stored = io.BytesIO()
    draw().savefig(stored, format="png", dpi=60)
    return stored.getvalue()


class PathLoader:
    """Stands for a file that is refused."""

    def __init__(self, path):
        self.path = path


class Run:
    """What the nodes make of some recordings, by id: the recording and its timeline."""

    def __init__(self, **recordings):
        self.recordings = {name: loader(opened) for name, (opened, _) in recordings.items()}
        self.timelines = {name: loader(steps) for name, (_, steps) in recordings.items()}
        found = [find_events(steps).assign(recording=name)
                 for name, (_, steps) in recordings.items()]  # fmt: skip
        self.found = pd.concat(found, ignore_index=True)
        self.burden = pd.concat(
            measure_burden(
                steps,
                self.found[self.found["recording"] == name],
                duration=opened.duration,
                start=opened.start,
            ).assign(recording=name)
            for name, (opened, steps) in recordings.items()
        )
        self.explained = choose_events(self.found, self.timelines, READING, PARAMS)
        self.evidence = {
            name: loader(self._evidence(events))
            for name, events in self.explained.groupby("recording")
        }
        self.events = name_chains(self.found, self.evidence, PARAMS)
        self.powers = {
            name: loader(np.ones((int(opened.duration // 2), 400), np.float32))
            for name, (opened, _) in recordings.items()
        }

    def _evidence(self, events):
        """Evidence in the left chains alone."""
        maps = np.zeros((len(events), *map_size(explained_layout(SHIPPED))), np.float32)
        maps[:, [1, 9], 10:20] = 1
        return {
            "event": events["event"].to_numpy(),
            "seconds": events["middle_seconds"].to_numpy(),
            "maps": maps,
            "shares": np.tile([0.6, 0.05, 0.35, 0.0], (len(events), 1)),
        }

    def hours(self):
        return self.recordings, self.powers, self.timelines, self.events

    def event_pages(self, tests=NO_TESTS):
        return draw_event_pages(
            self.explained, self.recordings, self.evidence, SHIPPED, tests, READING, PARAMS
        )

    def pages(self, tests=NO_TESTS):
        made = [draw_trends(*self.hours()), self.event_pages(tests)]
        trends, eeg = ({name: loader(png(one)) for name, one in of.items()} for of in made)
        figures = draw_event_tests(pd.DataFrame(), pd.DataFrame(), NO_TESTS, None)
        written = write_recording_pages(
            self.recordings, self.timelines, self.events, self.burden, self.explained, trends, eeg,
            SHIPPED, tests, *(png(loader(one)) for one in figures), PARAMS,
        )  # fmt: skip
        return {name: write() for name, write in written.items()}


def night(seconds=3600, **odd):
    steps = timeline(seconds, unread=[(600, 900, "gap in the file")])
    return Opened(float(seconds), gaps=(Gap(600, 900),), **odd), steps


def text_of(page):
    """What a reader reads."""
    plain = re.sub(r"<(style|svg).*?</\1>|<[^>]*>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", plain)


@pytest.fixture(scope="module")
def page():
    remarks = ("Unit of 3 channels not given: taken for microvolts",)
    (written,) = Run(night=night(remarks=remarks, ignored=("DC1", "DC2"))).pages().values()
    return written


def test_the_page_says_what_was_found_and_what_could_be_read(page):
    said = text_of(page)
    assert "Found in the 55 min that could be read: LPD 55 min in 2 events (continuous)." in said
    assert "91.7 %" in said
    assert "5 min without; why stands below" in said
    assert "gap in the file 5.0 8.3 % 5 min gap in the file" in said
    assert "from 09 March 2030, 21:14:05, by the file's clock" in said.replace("&#39;", "'")


def test_the_page_lists_events_with_their_chains_and_says_what_these_are(page):
    said = text_of(page)
    assert "21:14:05 LPD 10 min 0.60 0.60 LL, LP" in said
    assert "no localisation of a source" in said


def test_the_page_shows_the_eeg_of_the_most_certain_event_of_each_class(page):
    said = text_of(page)
    assert said.count("EEG in the longitudinal bipolar montage with the evidence") == 1
    assert "LPD 0.60 at 21:14:10: EEG" in said


def test_the_page_says_what_was_read_as_what(page):
    said = text_of(page)
    assert "T3 EEG T3-REF uV 256" in said
    assert "referential against REF" in said
    assert "Unit of 3 channels not given: taken for microvolts." in said
    assert "Not read: 2 signals DC1 , DC2" in said
    assert "21:24:05 21:29:05 5 min" in said


def test_the_page_names_its_networks_with_the_losses_of_their_record(page):
    said = text_of(page)
    for network in SHIPPED["networks"]:
        assert network["name"] in said
        assert f"{network['val_loss']:.3f}" in said
    assert "Not a medical device" in said


@pytest.mark.slow
def test_the_page_needs_no_other_file_and_opens(page, tmp_path):
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert targets
    assert all(target.startswith(("#", "data:")) for target in targets)
    (tmp_path / "page.html").write_text(page)
    shown = open_page(f"file://{tmp_path}/page.html", tmp_path, until="</html>", size=(800, 2000))
    assert "Recording night" in shown


def test_a_recording_of_nothing_readable_says_so_first():
    steps = timeline(600, unread=[(0, 600, "16 of 16 channels cannot be read")])
    (page,) = Run(lost=(Opened(600.0, start=None), steps)).pages().values()
    said = text_of(page)
    assert "Nothing of this recording could be read" in said
    assert "No event was found." in said
    assert "seizure burden \N{EN DASH} nothing could be read" in said
    assert "channels cannot be read 10.0 100.0 % 10 min 16 of 16 channels cannot be read" in said
    assert "Are the maps true?" not in said


def test_a_recording_without_events_claims_no_absence():
    steps = timeline(600)
    steps[list(PREDICTION_COLUMNS)] = [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
    (page,) = Run(calm=(Opened(600.0), steps)).pages().values()
    assert "No event was found in the 10 min that could be read. That does not say" in text_of(page)


def test_a_bipolar_recording_without_a_clock_has_a_page():
    opened = Opened(187.0, start=None, channels=(*BIPOLAR_NAMES, "EKG"), missing=("EKG",))
    (page,) = Run(bip=(opened, timeline(187))).pages().values()
    said = text_of(page)
    assert "begins (h:min:s from the start)" in said
    assert "LPD 0.60 at 0:00:05 from the start" in said
    assert "LPD 3 min 7 s in 1 event" in said
    assert "Warning" not in said


def test_lacking_electrodes_are_warned_of():
    (page,) = Run(few=(Opened(600.0, missing=("Fp1", "EKG")), timeline(600))).pages().values()
    assert "Missing from the file: Fp1. The networks" in text_of(page)


def test_maps_that_fail_their_test_are_flagged_where_they_are_shown():
    tests = NO_TESTS | {"failing": ["Fusion"], "n_events": 2, "n_recordings": 1}
    (page,) = Run(night=night()).pages(tests).values()
    assert "Fusion fails the check by random weights on these events" in text_of(page)


def test_names_and_pages_follow_the_choice_of_events():
    run = Run(a=night(), b=night())
    assert sorted(run.event_pages()) == ["a_lpd_0000", "b_lpd_0000"]


def test_tests_without_an_event_are_told_in_words():
    for figure in draw_event_tests(pd.DataFrame(), pd.DataFrame(), NO_TESTS, None):
        assert figure.axes[0].texts[0].get_text().startswith("No event was found")


def test_days_with_several_recordings_are_drawn():
    next_morning, steps = night(start=START + timedelta(hours=4))
    run = Run(evening=night(4 * 3600), morning=(next_morning, steps))
    assert list(draw_days(*run.hours())) == ["2030-03-10"]
    assert draw_days(*Run(evening=night()).hours()) == {}
    titles = [text.get_text() for text in draw_days(*run.hours())["2030-03-10"]().texts]
    assert "Recordings of Sunday, 10 March 2030" in titles


@pytest.fixture(scope="module")
def index():
    lost = timeline(600, unread=[(0, 600, "16 of 16 channels cannot be read")])
    run = Run(**{"night 1": night(), "lost": (Opened(600.0, start=None), lost)})
    run.recordings["empty"] = PathLoader("/wards/jane_doe/empty.edf")
    reasons = ["/wards/jane_doe/empty.edf: it holds no data", "2 s are too short"]
    failures = pd.DataFrame({"partition": ["empty", "007"], "reason": reasons})
    return write_index(
        run.recordings, failures, run.timelines, run.events, run.burden,
        {"lost": None, "night 1": None}, {}, PARAMS,
    )  # fmt: skip


def test_the_index_leads_to_every_page(index):
    assert re.findall(r'href="(recordings/[^"]*)"', index) == [
        "recordings/lost.html",
        "recordings/night%201.html",
    ]
    said = text_of(index).replace("\N{NO-BREAK SPACE}", " ")
    assert "night 1 09 Mar 2030, 21:14 1 h 91.7 % 0.0 2 5 min: gap in the file" in said
    assert "10 min: channels cannot be read" in said


def test_the_index_says_what_was_not_read_and_why(index):
    said = text_of(index)
    assert "2 files could not be read" in said
    assert "empty empty.edf: it holds no data" in said
    assert "jane_doe" not in index
    assert "007 2 s are too short" in said


def test_reasons_are_added_up_and_their_longest_stretch_is_told():
    steps = timeline(
        200,
        unread=[(0, 20, "gap in the file"), (50, 60, "3 of 16 channels cannot be read"),
                (60, 70, "4 of 16 channels cannot be read"), (100, 150, "gap in the file")],
    )  # fmt: skip
    reasons = unread_reasons(steps)
    assert reasons.to_dict("list") == {
        "reason": ["gap in the file", "channels cannot be read"],
        "seconds": [70, 20],
        "longest": [50, 20],
        "commonest": ["gap in the file", "3 of 16 channels cannot be read"],
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (7.25, "7.25 s"), (59.9, "1 min"), (67, "1 min 7 s"), (3600, "1 h"),
     (93_900, "26 h 5 min"), (7199, "2 h")],
)  # fmt: skip
def test_lengths_are_in_words(seconds, words):
    assert length(seconds) == words


def test_moments_have_a_date_where_the_recording_lasts_past_midnight():
    assert moment(START, 60, 3600) == "21:15:05"
    assert moment(START, 60, 86_400) == "09 Mar 21:15:05"
    assert moment(START, 3 * 3600, 86_400) == "10 Mar 00:14:05"
    assert moment(None, 60, 86_400) == "0:01:00"
