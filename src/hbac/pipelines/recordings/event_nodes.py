"""What the networks looked at in events: maps, chains, and whether the maps are true."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain
from hbac.eeg.chain_map import ChainMap, chain_maps
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Source
from hbac.eeg.recording import Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES
from hbac.models.eeg_ensemble import ten_minutes
from hbac.models.preprocessing import (
    record_of,
    waveforms_of,
    window_panels,
    window_picture,
    window_waveforms,
)
from hbac.pipelines.explainability.faithfulness_nodes import (
    check_randomisation,
    judge_randomisation,
    measure_faithfulness,
    score_faithfulness,
)
from hbac.pipelines.explainability.networks import (
    Networks,
    explained_input,
    explained_layout,
    load_pools,
    map_panels,
    map_size,
)
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.params import ReadingParams

LoadRecording = Callable[[], Any]
"""Opens a recording, of which it takes ``read(start, seconds)``."""

LoadArray = Callable[[], np.ndarray]
LoadEvidence = Callable[[], dict[str, np.ndarray]]

CURVE_COLUMNS = ("curve", "fill", "maps", "fraction", "value", "low", "high", "n")
SCORE_COLUMNS = ("score", "maps", "value", "low", "high", "n", "better")
RANDOMISATION_COLUMNS = ("maps", "step", "layer", "similarity", "low", "high", "n")

_NEVER = ""
"""``chains`` of an event that is not explained, or in which no chain stands out."""


def _middle_of_window(peak: float, timeline: pd.DataFrame, step_seconds: float) -> float:
    """Middle of the window that a step was predicted from; the last step may end before its own."""
    starts = timeline["start_seconds"].to_numpy()
    return float(starts[np.searchsorted(starts, peak, side="right") - 1] + step_seconds / 2)


def choose_events(
    found_events: pd.DataFrame,
    timelines: dict[str, Callable[[], pd.DataFrame]],
    reading: ReadingParams,
    params: PageParams,
) -> pd.DataFrame:
    """Choose the events to explain: of each recording and class the most certain.

    Args:
        found_events: of all recordings, a row an event; see ``hbac.timeline.find_events``.
        timelines: by recording, a callable that reads its timeline.
        reading: of which the step from one window to the next.
        params: of which how many a class and recording.

    Returns:
        Their rows, the most certain first, with ``event``, its number in its recording from 0;
        ``predicted``, the index of its class; and ``middle_seconds``, the middle of the window that
        its most certain step was predicted from.
    """
    numbered = found_events.assign(
        event=found_events.groupby("recording").cumcount(),
        predicted=found_events["trial_type"].map(CLASS_NAMES.index).astype(int),
    )
    ranked = numbered.sort_values("peak_probability", ascending=False, kind="stable")
    chosen = ranked.groupby(["recording", "trial_type"]).head(params.explained_per_class)
    read = {name: timelines[name]() for name in chosen["recording"].unique()}
    middles = [
        _middle_of_window(peak, read[name], reading.step_seconds)
        for name, peak in zip(chosen["recording"], chosen["peak_seconds"], strict=True)
    ]
    return chosen.assign(middle_seconds=np.array(middles, float)).reset_index(drop=True)


def window_around(recording: Any, second: float) -> Recording:
    """Read the 50-s window around a second of a recording; NaN beyond either end."""
    return recording.read(second - WINDOW_SECONDS / 2, WINDOW_SECONDS)


def _seen(
    recording: Any, load_power: LoadArray | None, second: float, ensemble: dict[str, Any]
) -> np.ndarray:
    """What the explained networks see around a second of a recording, float32."""
    window = window_around(recording, second)
    record = record_of(ensemble, explained_input(ensemble))
    if explained_input(ensemble) == "waveform":
        return window_waveforms(window, *waveforms_of(record)).astype(np.float32)
    power = None if load_power is None else ten_minutes(load_power(), second)
    panels = window_panels(window, record["spectrogram"])
    return window_picture(power, panels, explained_layout(ensemble)).astype(np.float32)


def _seen_of(
    load: LoadRecording,
    load_power: LoadArray | None,
    seconds: np.ndarray,
    ensemble: dict[str, Any],
) -> np.ndarray:
    recording = load()
    return np.stack([_seen(recording, load_power, second, ensemble) for second in seconds])


def evidence_by_chain(
    evidence: dict[str, np.ndarray], row: int, ensemble: dict[str, Any]
) -> dict[Source, ChainMap]:
    """Take the map of one explained event apart into chain x row x seconds of the recording.

    Args:
        evidence: as ``explain_events`` makes it for a recording.
        row: which of its events.
        ensemble: the record that names the networks.
    """
    start = float(evidence["seconds"][row]) - WINDOW_SECONDS / 2
    return chain_maps(evidence["maps"][row], map_panels(ensemble), start=start)


def _explain_recording(
    load: LoadRecording,
    load_power: LoadArray | None,
    events: pd.DataFrame,
    networks: Networks,
    ensemble: dict[str, Any],
    method: str,
    layer: str | tuple[str, ...] | None,
) -> dict[str, np.ndarray]:
    """Map the class of each event on the window around its most certain step."""
    seconds = events["middle_seconds"].to_numpy(float)
    seen = _seen_of(load, load_power, seconds, ensemble)
    ((_, pool),) = load_pools(events.assign(fold=UNSEEN), networks, ensemble)
    maps = pool.maps(
        seen,
        [method],
        size=map_size(pool.layout),
        class_indices=events["predicted"].to_numpy()[np.newaxis],
        layers=[layer] if isinstance(layer, str) else layer,
    )[0, :, 0]
    evidence = {"event": events["event"].to_numpy(), "seconds": seconds, "maps": maps}
    rows = range(len(maps))
    shares = [explain.chain_shares(evidence_by_chain(evidence, row, ensemble)) for row in rows]
    return evidence | {"shares": np.stack(shares)}


def explain_events(
    explained_events: pd.DataFrame,
    recordings: dict[str, LoadRecording],
    recording_spectrograms: dict[str, LoadArray],
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """Map where the networks found the evidence for each chosen event's class.

    The window is the one that the most certain step was predicted from, and the networks are those
    of all folds; see ``hbac.pipelines.explainability.networks.Pool``.

    Args:
        explained_events: as ``choose_events`` returns them.
        recordings: by id, a callable that opens the recording.
        recording_spectrograms: by id, a callable that reads its regional power.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: method and layer.

    Returns:
        By id, of recordings with an event, a callable that returns the arrays ``event`` (its number
        in the recording), ``seconds`` (the middle of its window), ``maps`` (signed
        evidence for the event's class, shape ``(events, 16 channels, samples / 10)``, or ``(events,
        height / 4, width / 4)`` where networks see pictures) and ``shares`` (of the evidence, by
        chain, shape ``(events, 4)``).
    """
    columns = ["event", "middle_seconds", "predicted"]
    return {
        name: partial(
            _explain_recording,
            recordings[name],
            recording_spectrograms.get(name),
            events[columns].reset_index(drop=True),
            networks,
            ensemble,
            params.method,
            params.layer,
        )
        for name, events in explained_events.groupby("recording")
    }


def _chains_told(shares: np.ndarray, margin: float) -> str:
    told = shares >= 1 / len(CHAINS) + margin
    return ";".join(chain for chain, is_told in zip(CHAINS, told, strict=True) if is_told)


def name_chains(
    found_events: pd.DataFrame, event_evidence: dict[str, LoadEvidence], params: PageParams
) -> pd.DataFrame:
    """Name the chains of each event in which the networks found their evidence.

    A chain is named whose share of the evidence for the event's class exceeds an even share, a
    quarter, by a margin. That is what the networks looked at; it localises no source in the brain.

    Args:
        found_events: of all recordings, a row an event.
        event_evidence: by recording, a callable that returns what ``explain_events`` makes.
        params: of which the margin.

    Returns:
        The events, with ``chains`` such as ``LL;LP``; empty where an event was not explained, or
        its evidence is spread evenly.
    """
    chains = pd.Series(_NEVER, found_events.index, dtype=object)
    for name, of_recording in found_events.groupby("recording"):
        if name in event_evidence:
            evidence = event_evidence[name]()
            rows = of_recording.index[evidence["event"]]
            chains[rows] = [_chains_told(one, params.chain_margin) for one in evidence["shares"]]
    return found_events.assign(chains=chains)


def _draw_tested(explained_events: pd.DataFrame, params: ExplainabilityParams) -> pd.DataFrame:
    """Draw events of each class at random, as the tests of windows take them."""
    drawn = explained_events.sample(frac=1, random_state=params.seed)
    tested = drawn.groupby("predicted").head(params.faithfulness.windows_per_class)
    return tested.assign(
        eeg_id=tested["recording"],
        window=tested["event"],
        patient_id=tested["recording"],
        fold=UNSEEN,
        random=True,
        row=np.arange(len(tested)),
    ).reset_index(drop=True)


def check_event_maps(
    explained_events: pd.DataFrame,
    recordings: dict[str, LoadRecording],
    recording_spectrograms: dict[str, LoadArray],
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Put the maps of some events to the tests that those of windows are put to.

    Insertion, deletion, ROAD, sensitivity-n and the check by random weights; see the pipeline
    ``explainability``. Intervals are over recordings.

    Args:
        explained_events: as ``choose_events`` returns them; of each class some are drawn.
        recordings: by id, a callable that opens the recording.
        recording_spectrograms: by id, a callable that reads its regional power.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: how maps are made and tested.

    Returns:
        Mean curves, mean scores and mean similarities, as ``score_faithfulness`` and
        ``judge_randomisation`` return them, without a row where there is no event; and the record
        of the tests: ``n_events``, ``n_recordings``, the ``method`` of the maps and those that are
        ``failing``.
    """
    said = {"method": explain.METHODS[params.method].name, "n_events": 0, "n_recordings": 0}
    if explained_events.empty:
        columns = (CURVE_COLUMNS, SCORE_COLUMNS, RANDOMISATION_COLUMNS)
        return *(pd.DataFrame(columns=list(names)) for names in columns), said | {"failing": []}
    tested = _draw_tested(explained_events, params)
    seen = np.stack(
        [
            _seen(recordings[name](), recording_spectrograms.get(name), second, ensemble)
            for name, second in zip(tested["eeg_id"], tested["middle_seconds"], strict=True)
        ]
    )
    inputs = (tested, seen, seen, networks, ensemble, params)
    curves, scores = score_faithfulness(*measure_faithfulness(*inputs), params)
    judged, failing = judge_randomisation(check_randomisation(*inputs), params)
    said |= {"n_events": len(tested), "n_recordings": tested["eeg_id"].nunique()}
    return curves, scores, judged, said | {"failing": failing}
