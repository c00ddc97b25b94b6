"""Which stretches of a recording can be read, and why the others can't.

A network that knows the six classes answers with one of them whatever it is shown. So what is no
EEG, or EEG of none of them, is told by rules. Each comes from what the thing is; none was fitted
to recordings.

- **Suppressed**: all activity below 10 microvolts, peak to peak, in a longitudinal bipolar montage
  (Hirsch et al., American Clinical Neurophysiology Society's Standardized Critical Care EEG
  Terminology: 2021 Version, J Clin Neurophysiol 38, 2021). Here in 0.5-20 Hz, second by second, in
  all channels but two, as many as one loose electrode spoils; and in runs of 2 s or more, since
  less lies between periodic discharges of 0.5 Hz and faster.
- **Burst suppression** (the same): 50-99 % of the record is suppressed; here of the 50 s around.
- **Flat**: less than 1 microvolt in a second, when even an inactive brain shows 2.
- **Clipped**: half of a channel or more is beyond 500 microvolts, or lies near both ends of its
  range, where a sine is for two fifths of the time.
- **Open electrodes**: two differences that share one of three electrodes which pick up different
  things of one size correlate by -0.5, whatever the things are; here, three quarters of them by
  less than -0.3. Brains reach neighbouring electrodes at once.
- **Calibration**: all channels carry one signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import scipy

from hbac.eeg.gaps import bridge_gaps, live_differences, stretches
from hbac.eeg.montage import CHAINS, chain_channels, chain_differences, is_bipolar
from hbac.eeg.quality import EXTREME_MICROVOLTS, FLAT_MICROVOLTS, MAINS, hum_decibels
from hbac.eeg.recording import Recording
from hbac.eeg.spectra import SEGMENT_SECONDS, power_density
from hbac.eeg.waveform import N_BIPOLAR

QUALITY_COLUMNS = (
    *("quality", "usable_channels", "usable_samples"),
    *("flat_share", "clipped_share", "mains_db"),
)
"""What is measured of each stretch; see ``judge_stretches``."""

_BAND = (0.5, 20.0)
_DECIMATION = 2

_MOSTLY = 0.5
_ONE_ELECTRODE = 2
_SHORTEST_SUPPRESSION = 2

_NEAR_AN_END, _HELD = 0.1, 0.3
"""Share of a channel's range that is near its end; and of its samples, at either end, from which on
it is held there: a sine has a fifth."""

_INDEPENDENT, _ONE_SIGNAL = -0.3, 0.999
_NEARLY_ALL = 0.75
_FEWEST_NEIGHBOURS = 4


@dataclass(frozen=True)
class ReadingRule:
    """What a stretch must hold for a prediction.

    Attributes:
        least_channels: fewest of the 16 bipolar channels that must be usable.
        least_share: smallest share of a channel's samples that must be readable for it to be
            usable, and of the stretch that must lie inside the recording and outside of its gaps.
        suppressed_microvolts: amplitude, peak to peak, below which activity is suppressed.
        suppressed_share: share of the stretch, or of the 50 s around it, that is suppressed from
            which on there is no prediction.
    """

    least_channels: int = 8
    least_share: float = 0.5
    suppressed_microvolts: float = 10.0
    suppressed_share: float = 0.5


DEFAULT_RULE = ReadingRule()


@dataclass(frozen=True, eq=False)
class _Block:
    """EEG of stretches one after the other, with whole seconds around them.

    Attributes:
        raw: bipolar channels, shape ``(16, seconds, samples)``, NaN where missing.
        live: the same, NaN where an electrode holds one value as well.
        slow: the same in 0.5-20 Hz, at half the rate, without NaN.
        source: what the channels were made from, as ``raw``.
        lead: seconds before the first stretch, and after the last.
        step: seconds of a stretch.
    """

    raw: np.ndarray
    live: np.ndarray
    slow: np.ndarray
    source: np.ndarray
    lead: int
    step: int

    def steps(self, by_second: np.ndarray) -> np.ndarray:
        """Shape ``(rows, seconds, ...)`` to ``(rows, stretches, seconds, ...)``."""
        inside = by_second[:, self.lead : by_second.shape[1] - self.lead]
        return inside.reshape(len(inside), -1, self.step, *by_second.shape[2:])

    def joined(self, by_second: np.ndarray) -> np.ndarray:
        """Shape ``(rows, seconds, samples)`` to ``(rows, stretches, samples)``."""
        steps = self.steps(by_second)
        return steps.reshape(*steps.shape[:2], -1)

    def around(self, by_second: np.ndarray) -> np.ndarray:
        """Sums over each stretch and ``lead`` seconds on either side, shape ``(stretches,)``."""
        sums = np.concatenate([[0], np.cumsum(by_second)])
        length = 2 * self.lead + self.step
        first = np.arange(0, len(by_second) - length + 1, self.step)
        return sums[first + length] - sums[first]


@lru_cache
def _slow_sections(rate: float) -> np.ndarray:
    """A high-pass of low order, which has settled a second after a burst, and a low-pass."""
    low, high = _BAND
    return np.concatenate(
        [
            scipy.signal.butter(2, low, "highpass", fs=rate, output="sos"),
            scipy.signal.butter(4, high, "lowpass", fs=rate, output="sos"),
        ]
    )


def _slow(live: np.ndarray, rate: int) -> np.ndarray:
    halved = scipy.signal.resample_poly(bridge_gaps(live), 1, _DECIMATION, axis=-1, padtype="line")
    return scipy.signal.sosfiltfilt(_slow_sections(rate / _DECIMATION), halved)


def _cut(recording: Recording, lead: int, step: int) -> _Block:
    rate = int(recording.sampling_rate)
    raw = chain_differences(recording).reshape(N_BIPOLAR, -1)
    live = live_differences(recording).reshape(N_BIPOLAR, -1)
    source = recording.pick(chain_channels(recording)).data
    return _Block(
        raw=raw.reshape(N_BIPOLAR, -1, rate),
        live=live.reshape(N_BIPOLAR, -1, rate),
        slow=_slow(live, rate).reshape(N_BIPOLAR, -1, rate // _DECIMATION),
        source=source.reshape(len(source), -1, rate),
        lead=lead,
        step=step,
    )


def _held_share(block: _Block, recording: Recording) -> np.ndarray:
    """Share of a channel that is held near both ends of its range, ``(16, stretches)``."""
    signals = block.joined(block.source)
    top, bottom = (part.reduce(signals, axis=-1, keepdims=True) for part in (np.fmax, np.fmin))
    near = _NEAR_AN_END * (top - bottom)
    shares = [(signals > top - near).mean(axis=-1), (signals < bottom + near).mean(axis=-1)]
    held = np.where(np.minimum(*shares) >= _HELD, np.add(*shares), 0)
    if is_bipolar(recording):
        return held
    names = chain_channels(recording)
    pairs = [
        [names.index(electrodes[k]), names.index(electrodes[k + 1])]
        for electrodes in CHAINS.values()
        for k in range(4)
    ]
    return held[pairs].max(axis=1)


def _neighbours(block: _Block, usable: np.ndarray) -> np.ndarray:
    """Correlation of channels that share an electrode, ``(12, stretches)``; NaN where unusable."""
    signals = block.joined(block.slow)
    signals = signals - signals.mean(axis=-1, keepdims=True)
    scale = np.sqrt((signals**2).mean(axis=-1))
    by_chain = (len(CHAINS), -1, *signals.shape[1:])
    chains, known = signals.reshape(by_chain), (usable & (scale > 0)).reshape(by_chain[:3])
    products = (chains[:, :-1] * chains[:, 1:]).mean(axis=-1)
    scales = scale.reshape(by_chain[:3])
    both = known[:, :-1] & known[:, 1:]
    norm = np.where(both, scales[:, :-1] * scales[:, 1:], np.nan)
    return (products / norm).reshape(-1, signals.shape[1])


def _quantiles(values: np.ndarray, share: float, *, fewest: int) -> np.ndarray:
    """Quantile over rows of what is not NaN; NaN where there are fewer than so many."""
    quantiles = np.full(values.shape[1], np.nan)
    enough = (~np.isnan(values)).sum(axis=0) >= fewest
    if enough.any():
        quantiles[enough] = np.nanquantile(values[:, enough], share, axis=0)
    return quantiles


def _mains(block: _Block, usable: np.ndarray) -> np.ndarray:
    """Hum of the typical channel, at the mains frequency where it is stronger."""
    rate = block.raw.shape[-1]
    if block.step < SEGMENT_SECONDS:
        return np.full(usable.shape[1], np.nan)
    frequencies, density = power_density(block.joined(block.raw), sampling_rate=rate)
    hums = [
        _quantiles(
            np.where(usable, hum_decibels(frequencies, density, mains), np.nan), 0.5, fewest=1
        )
        for mains in MAINS
    ]
    return np.fmax(*hums)


def _only_runs(chosen: np.ndarray, shortest: int) -> np.ndarray:
    kept = np.zeros_like(chosen)
    for first, last in stretches(chosen):
        kept[first:last] = last - first >= shortest
    return kept


def _suppressed(block: _Block, readable: np.ndarray, rule: ReadingRule) -> tuple:
    """Share of the readable seconds that are suppressed: of each stretch, and of what is around."""
    known = readable >= _MOSTLY
    active = known & (np.ptp(block.slow, axis=-1) >= rule.suppressed_microvolts)
    seen = known.sum(axis=0) >= rule.least_channels
    low = _only_runs(seen & (active.sum(axis=0) <= _ONE_ELECTRODE), _SHORTEST_SUPPRESSION)
    own = [block.steps(what[np.newaxis])[0].sum(axis=1) for what in (low, seen)]
    return own[0] / np.maximum(own[1], 1), block.around(low) / np.maximum(block.around(seen), 1)


def _channel_reason(missing: int, flat: int, clipped: int) -> str:
    kinds = {"missing": missing, "flat": flat, "clipped": clipped}
    named = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    return f"{sum(kinds.values())} of {N_BIPOLAR} channels cannot be read ({named})"


def _reasons(measured: dict[str, np.ndarray], rule: ReadingRule) -> list[str]:
    """Why there is no prediction, "" where there is."""
    reasons = []
    for row in pd.DataFrame(measured).itertuples():
        unusable = row.missing + row.flat + row.clipped
        if row.in_gap > 1 - rule.least_share:
            reason = "gap in the file"
        elif N_BIPOLAR - unusable < rule.least_channels:
            reason = _channel_reason(row.missing, row.flat, row.clipped)
        elif row.suppressed >= rule.suppressed_share:
            reason = f"suppressed: {row.suppressed:.0%} of its seconds"
        elif row.around >= rule.suppressed_share:
            reason = f"burst suppression: {row.around:.0%} of the seconds around it"
        elif row.together > _ONE_SIGNAL:
            reason = "all channels carry one signal, as in a calibration"
        elif row.apart < _INDEPENDENT:
            reason = "electrodes have nothing in common with their neighbours, as open ones"
        else:
            reason = ""
        reasons.append(reason.replace("%", " %"))
    return reasons


def judge_stretches(
    recording: Recording, *, lead: int, step: int, rule: ReadingRule = DEFAULT_RULE
) -> pd.DataFrame:
    """Measure stretches that lie one after the other, and say which can't be predicted.

    Args:
        recording: EEG of whole seconds, NaN where missing: ``lead`` seconds, the stretches, and
            ``lead`` seconds again.
        lead: whole seconds on either side, by which suppression around a stretch is judged.
        step: whole seconds of a stretch.
        rule: what a stretch must hold.

    Returns:
        A row a stretch: ``quality`` (share of the 16 bipolar channels x samples that are there,
        and not flat), ``usable_channels`` (how many of them have ``rule.least_share`` of that and
        are not clipped), ``usable_samples`` (share of the samples that any channel has),
        ``flat_share`` (of channels x seconds, of those that are there), ``clipped_share`` (of
        channels x samples: beyond 500 microvolts in 0.5-20 Hz, or in a channel that is held at
        both ends of its range), ``mains_db`` (``hbac.eeg.quality.hum_decibels`` of the median
        usable channel, at 50 or 60 Hz), and ``reason``, "" where a prediction may be made.
    """
    block = _cut(recording, lead, step)
    there, held_up = ~np.isnan(block.raw), ~np.isnan(block.live)
    with np.errstate(invalid="ignore"):
        flat = np.ptp(block.raw, axis=-1) < FLAT_MICROVOLTS
    flat |= (there & ~held_up).mean(axis=-1) >= _MOSTLY
    readable = held_up.mean(axis=-1) * ~flat
    own = block.steps(readable).mean(axis=-1)
    beyond = block.steps((np.abs(block.slow) > EXTREME_MICROVOLTS).mean(axis=-1)).mean(axis=-1)
    clipped = np.maximum(beyond, _held_share(block, recording))
    enough, whole = own >= rule.least_share, clipped < _MOSTLY
    usable = enough & whole
    absent = block.steps(there.mean(axis=-1)).mean(axis=-1) < rule.least_share
    neighbours = _neighbours(block, usable)
    suppressed, around = _suppressed(block, readable, rule)
    reasons = _reasons(
        {
            "in_gap": 1 - block.steps(there.any(axis=0)[np.newaxis].mean(axis=-1))[0].mean(axis=-1),
            "missing": absent.sum(axis=0),
            "flat": (~absent & ~enough).sum(axis=0),
            "clipped": (enough & ~whole).sum(axis=0),
            "together": _quantiles(np.abs(neighbours), 0.5, fewest=_FEWEST_NEIGHBOURS),
            "apart": _quantiles(neighbours, _NEARLY_ALL, fewest=_FEWEST_NEIGHBOURS),
            "suppressed": suppressed,
            "around": around,
        },
        rule,
    )
    seen = there & ~flat[..., np.newaxis]
    known = block.steps(there.any(axis=-1)).sum(axis=(0, 2))
    return pd.DataFrame(
        {
            "quality": own.mean(axis=0),
            "usable_channels": usable.sum(axis=0),
            "usable_samples": block.joined(seen.any(axis=0)[np.newaxis])[0].mean(axis=-1),
            "flat_share": block.steps(flat).sum(axis=(0, 2)) / np.maximum(known, 1),
            "clipped_share": clipped.mean(axis=0),
            "mains_db": _mains(block, usable),
            "reason": reasons,
        }
    )
