"""Simulated windows of which it is known where the evidence is, and where the maps put it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain
from hbac.eeg.recording import Recording
from hbac.eeg.regional import regional_window_from_eeg
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.simulation import PlantedEvidence, plan_planted, simulate_planted
from hbac.eeg.time_frequency import window_spectrograms
from hbac.eeg.votes import CLASS_NAMES, CLASSES
from hbac.models.image import ImageLayout, build_image
from hbac.models.preprocessing import (
    panel_settings,
    picture_layout,
    record_of,
    waveform_layout,
    waveforms_of,
)
from hbac.pipelines.explainability.faithfulness_nodes import kinds, maps_of_every_kind
from hbac.pipelines.explainability.intervals import estimate_means
from hbac.pipelines.explainability.networks import (
    Networks,
    explained_input,
    explained_layout,
    load_pools,
)
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.modeling.input_nodes import assemble_waveforms
from hbac.pipelines.spectrogram.params import SpectrogramParams

ALL_PATTERNS = "All"


def _seen_seconds(ensemble: dict[str, Any]) -> float:
    """Seconds in the middle of a window that networks see of what may be planted."""
    if explained_input(ensemble) == "picture":
        return float(WINDOW_SECONDS)
    start, stop = waveform_layout(record_of(ensemble, "waveform")).seconds
    return stop - start


def plan_planted_windows(
    ensemble: dict[str, Any], params: ExplainabilityParams
) -> list[dict[str, Any]]:
    """Plan recordings whose class is decided by one chain and one stretch of seconds.

    Networks that see less than the 50 s get stretches that lie in what they see, shorter by as
    much, but of 2 s at least.

    Returns:
        The fields of a ``hbac.eeg.simulation.PlantedEvidence`` each.
    """
    within, planted = _seen_seconds(ensemble), params.planted
    lengths = tuple(
        max(2.0, length * within / WINDOW_SECONDS)
        for length in (planted.shortest_seconds, planted.longest_seconds)
    )
    plans = plan_planted(planted.windows, seed=params.seed, lengths=lengths, within=within)
    return [asdict(planted) for planted in plans]


def _picture(
    plan: dict[str, Any], layout: ImageLayout, spectrogram: SpectrogramParams
) -> np.ndarray:
    """Picture of the middle of a planned recording, float16."""
    recording = simulate_planted(PlantedEvidence(**plan))
    start = (recording.duration - WINDOW_SECONDS) / 2
    eeg = window_spectrograms(recording.crop(start, WINDOW_SECONDS), **spectrogram.settings)
    regional = regional_window_from_eeg(recording, recording.duration / 2)
    return build_image(regional, eeg, layout)


def _simulated(plan: dict[str, Any], *, channels: tuple[str, ...]) -> Recording:
    return simulate_planted(PlantedEvidence(**plan)).pick(channels)


def _waveforms(
    plans: list[dict[str, Any]], ensemble: dict[str, Any]
) -> dict[int, Callable[[], np.ndarray]]:
    """Bipolar EEG of the middle of every planned recording."""
    starts = [PlantedEvidence(**plan).window_start for plan in plans]
    windows = pd.DataFrame({"eeg_id": range(len(plans)), "eeg_offset_seconds": starts})
    eegs = {str(number): partial(_simulated, plan) for number, plan in enumerate(plans)}
    return assemble_waveforms(windows, eegs, *waveforms_of(record_of(ensemble, "waveform")))


def assemble_planted_input(
    plans: list[dict[str, Any]], ensemble: dict[str, Any], spectrogram: SpectrogramParams
) -> dict[int, Callable[[], np.ndarray]]:
    """Simulate the planned recordings and make what networks see of their middle.

    Args:
        plans: as ``plan_planted_windows`` returns them.
        ensemble: the record that says how the networks' pictures or waveforms are made.
        spectrogram: of which what the record leaves open of pictures.

    Returns:
        By number, a callable that returns the picture or waveform.
    """
    if explained_input(ensemble) == "waveform":
        return _waveforms(plans, ensemble)
    record = record_of(ensemble, "picture")
    layout = picture_layout(record)
    trained_on = SpectrogramParams(**spectrogram.model_dump() | panel_settings(record))
    return {
        number: partial(_picture, plan, layout, trained_on) for number, plan in enumerate(plans)
    }


def _masks(plans: list[PlantedEvidence], ensemble: dict[str, Any]) -> np.ndarray:
    """Pixels that show what was planted, shape ``(windows, height, width)``."""
    layout = explained_layout(ensemble)
    return np.stack(
        [
            explain.planted_mask(
                layout.panels(),
                layout.size,
                chain=planted.chain,
                seconds=planted.seconds,
                start=planted.window_start,
            )
            for planted in plans
        ]
    )


def _tabulate(windows: pd.DataFrame, maps: np.ndarray, masks: np.ndarray) -> pd.DataFrame:
    tables = [
        windows.assign(
            maps=kind,
            value=explain.mass_inside(of_kind, masks),
            exchanged=explain.exchanged_mass(of_kind, masks),
        )
        for kind, of_kind in zip(kinds(), maps, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def find_planted_evidence(
    plans: list[dict[str, Any]],
    pictures: np.ndarray,
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> pd.DataFrame:
    """Measure how much of each map of the planted class lies where the class was planted.

    All networks of the ensemble are asked, as none has seen a planted window.

    Args:
        plans: as ``plan_planted_windows`` returns them.
        pictures: their pictures or waveforms, shape ``(windows, height, width)``.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: of which the seed.

    Returns:
        A row a window and kind of map: ``pattern``, ``chain``, ``start`` and ``stop`` in seconds,
        ``class``, ``detected`` (whether the explained networks predict the class), ``maps``,
        ``chance`` (the region's share of what they see), ``value``: the fraction of the map's
        positive mass inside the region, NaN where it has none, and ``exchanged``: the mean
        fraction inside the other windows' regions, which a map that favours a place in every
        window has as well.
    """
    planted = [PlantedEvidence(**plan) for plan in plans]
    classes = np.array([CLASSES.index(one.pattern) for one in planted])
    masks, images = _masks(planted, ensemble), np.asarray(pictures, np.float32)
    windows = pd.DataFrame(
        {
            "eeg_id": range(len(plans)),
            "window": 0,
            "patient_id": range(len(plans)),
            "pattern": [one.pattern for one in planted],
            "chain": [one.chain for one in planted],
            "start": [one.seconds[0] for one in planted],
            "stop": [one.seconds[1] for one in planted],
            "class": [CLASS_NAMES[number] for number in classes],
            "chance": explain.chance(masks),
        }
    )
    ((_, pool),) = load_pools(windows.assign(fold=UNSEEN), networks, ensemble)
    logits = pool.logits(batch_size=params.faithfulness.batch_size)(images)
    maps = maps_of_every_kind(images, classes, pool, params)
    return _tabulate(windows.assign(detected=logits.argmax(axis=1) == classes), maps, masks)


def score_planted_evidence(found: pd.DataFrame, params: ExplainabilityParams) -> pd.DataFrame:
    """Average over windows, with intervals.

    Returns:
        ``class`` (each planted one, and ``All``), ``maps``, ``mass``, ``low``, ``high``, ``n``,
        mean ``chance`` and ``exchanged`` mass, and the share ``detected``.
    """
    every = pd.concat([found.assign(**{"class": ALL_PATTERNS}), found], ignore_index=True)
    means = estimate_means(every, ["class", "maps"], params).rename(columns={"value": "mass"})
    of_class = every.groupby("class")[["chance", "detected"]].mean()
    exchanged = every.groupby(["class", "maps"])["exchanged"].mean()
    return means.join(of_class, on="class").join(exchanged, on=["class", "maps"])
