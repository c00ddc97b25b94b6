"""How simulated EEG differs from real EEG.

Windows of 10 s of a simulated data set stand beside those of a real one in the competition's
layout: spectra by class and chain, amplitude, correlation of neighbouring channels, difference of
left and right, and how well classifiers tell the two apart by such figures (cross-validated by
patient; 0.5 is chance). Rates of simulated patterns and the variation of their intervals, measured
in the pattern alone, stand beside those of real recordings. Nothing is fitted to real windows: this
is a report, and whoever looks at it for real windows should count how often.

The last line is one JSON object; ``real_windows`` is 0 where there is no real data set, and
``furthest`` are the medians that differ most, real less simulated, in standard deviations:

    python benchmarks/realism.py
    python benchmarks/realism.py --raw-dir PATH --figures FOLDER
    python benchmarks/realism.py --family neural_mass --raw-dir NONE
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import signal, stats
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hbac.eeg import CHAINS, CLASS_NAMES, SAMPLING_RATE, Recording, chain_differences
from hbac.eeg.filters import clean
from hbac.eeg.simulation import Episode, Session, plan_cohort, simulate_pattern, simulate_session

BANDS = ((0.5, 1), (1, 2), (2, 4), (4, 8), (8, 13), (13, 20), (20, 40))
WINDOW, MIDDLE = 10, 20
FAMILIES = ("schematic", "neural_mass")
"""Of simulated recordings, beside the anatomical one."""
PUBLISHED = {
    "lpd": {"rate": (0.5, 1.0, 1.75), "variation": (0.11, 0.21, 0.39)},
    "gpd": {"rate": (0.75, 1.25, 2.0), "variation": (0.12, 0.25, 0.56)},
    "lrda": {"rate": (0.75, 1.33, 2.0), "variation": (0.03, 0.10, 0.18)},
    "grda": {"rate": (0.75, 1.33, 2.0), "variation": (0.03, 0.10, 0.18)},
}
"""Rate in Hz and coefficient of variation of the intervals: 10, 50 and 90 % of some 4,700
recordings that experts have labelled."""


def _bipolar(recording: Recording) -> np.ndarray:
    """Cleaned bipolar channels in microvolts, shape ``(4, 4, samples)``."""
    channels = np.nan_to_num(chain_differences(recording)).reshape(16, -1)
    cleaned = clean(channels, sampling_rate=SAMPLING_RATE, clip=1000, notch=60, band_pass=(0.5, 40))
    return cleaned.reshape(4, 4, -1)


def _table(rows: list[tuple[str, int, np.ndarray]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["name", "patient", "eeg"])


def real_windows(raw_dir: Path) -> pd.DataFrame:
    """Read the 10 s that each label speaks of; none where there is no data set.

    Returns:
        A row a window: ``name`` (consensus), ``patient`` and ``eeg``, shape ``(4, 4, 2000)``.
    """
    if not (raw_dir / "train.csv").exists():
        return _table([])
    rows = []
    for label in pd.read_csv(raw_dir / "train.csv").itertuples():
        eeg = pd.read_parquet(raw_dir / f"train_eegs/{label.eeg_id}.parquet")
        data = np.ascontiguousarray(eeg.to_numpy(np.float32).T)
        start = label.eeg_label_offset_seconds + MIDDLE
        window = Recording(data, tuple(eeg.columns)).crop(start, WINDOW)
        rows.append((label.expert_consensus, label.patient_id, _bipolar(window)))
    return _table(rows)


def simulated_windows(patients: int, seed: int, family: str) -> pd.DataFrame:
    """Simulate a data set without gaps; a window a file, in a table as ``real_windows``."""
    cohort = plan_cohort(
        patients=patients,
        sessions_per_patient=(2, 2),
        eegs_per_session=(2, 2),
        eeg_seconds=(50, 60),
        labels_per_eeg=(1, 1),
        test_patients=0,
        test_without_spectrogram=0,
        test_long_seconds=(600, 600),
        ambiguity=0.3,
        gap_fraction=0,
        dead_channel_fraction=0,
        mains_frequency=60,
        seed=seed,
        **{name: float(name == family) for name in FAMILIES},
    )
    names = cohort.train_labels.groupby("eeg_id")["expert_consensus"].first()
    rows = []
    for planned in cohort.sessions:
        whole = simulate_session(planned.session)
        for excerpt in planned.excerpts:
            window = whole.crop(excerpt.start + MIDDLE, WINDOW)
            rows.append((names[excerpt.eeg_id], planned.patient_id, _bipolar(window)))
    return _table(rows)


def spectrum(eeg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies of 0.5 to 40 Hz, and power, with the frequencies last."""
    frequencies, power = signal.welch(eeg, SAMPLING_RATE, nperseg=2 * SAMPLING_RATE)
    inside = (frequencies >= 0.5) & (frequencies <= 40)
    return frequencies[inside], power[..., inside] + 1e-6


def _spectral(eeg: np.ndarray) -> dict[str, float]:
    frequencies, power = spectrum(eeg.reshape(16, -1))
    total = power.sum(axis=1)
    shares = {
        f"share_{low:g}_{high:g}_hz": power[:, (frequencies >= low) & (frequencies < high)].sum(1)
        for low, high in BANDS
    }
    middle = np.median(np.log(power), axis=0)
    line = np.polyfit(np.log(frequencies), middle, 1)
    residual = middle - np.polyval(line, np.log(frequencies))
    bands = {name: np.log(np.median(share / total)) for name, share in shares.items()}
    return {**bands, "slope": line[0], "peak": residual[frequencies < 15].max()}


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))


def _spatial(eeg: np.ndarray) -> dict[str, float]:
    left, right = eeg[[0, 2]], eeg[[1, 3]]
    size = np.log(eeg.std(axis=-1) + 1e-3)
    neighbours = _correlation(eeg[:, :-1], eeg[:, 1:])
    return {
        "neighbour_correlation": np.mean(neighbours),
        "neighbour_correlation_size": np.mean(np.abs(neighbours)),
        "parallel_correlation": np.mean(_correlation(eeg[:2], eeg[2:])),
        "mirror_correlation": np.mean(_correlation(left, right)),
        "left_right_difference": np.log((left - right).std() / (left + right).std()),
        "left_right_ratio": abs(size[[0, 2]].mean() - size[[1, 3]].mean()),
        "front_back_ratio": size[:, 0].mean() - size[:, -1].mean(),
        "lateral_ratio": size[:2].mean() - size[2:].mean(),
        "spread_of_amplitude": size.std(),
        "largest_channel": size.max() - np.median(size),
    }


def _temporal(eeg: np.ndarray) -> dict[str, float]:
    flat = eeg.reshape(16, -1)
    seconds = np.log(flat.reshape(16, WINDOW, -1).std(axis=-1) + 1e-3)
    kurtosis = stats.kurtosis(flat, axis=-1)
    return {
        "amplitude": np.log(np.median(flat.std(axis=-1))),
        "kurtosis": np.arcsinh(np.median(kurtosis)),
        "largest_kurtosis": np.arcsinh(kurtosis.max()),
        "line_length": np.log(np.median(np.abs(np.diff(flat)).mean(-1) / flat.std(axis=-1))),
        "waxing": np.median(seconds.std(axis=-1)),
    }


def features(windows: pd.DataFrame) -> pd.DataFrame:
    """Figures that sum a window up, a row a window; sizes are natural logarithms."""
    return pd.DataFrame(
        [_spectral(eeg) | _spatial(eeg) | _temporal(eeg) for eeg in windows["eeg"]],
        index=windows.index,
    )


def auroc(table: pd.DataFrame, is_real: np.ndarray, patients: np.ndarray) -> dict[str, float]:
    """Area under the curve with which classifiers tell real from simulated, by patient."""
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    classifiers = {
        "logistic": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
        ),
        "trees": ExtraTreesClassifier(
            500, min_samples_leaf=3, class_weight="balanced", random_state=0
        ),
    }
    return {
        name: round(
            roc_auc_score(
                is_real,
                cross_val_predict(
                    each, table, is_real, groups=patients, cv=folds, method="predict_proba"
                )[:, 1],
            ),
            3,
        )
        for name, each in classifiers.items()
    }


def _peaks(pattern: str, eeg: np.ndarray) -> np.ndarray:
    """Seconds at which discharges are largest, or waves of the largest channel have their tops."""
    if pattern.endswith("pd"):
        trace = np.sqrt((eeg**2).mean(axis=0))
        trace = np.convolve(trace, np.hanning(41) / 20, mode="same")
        distance, floor = 0.25, 0.3 * np.quantile(trace, 0.98)
    else:
        sos = signal.butter(4, 6, fs=SAMPLING_RATE, output="sos")
        trace = signal.sosfiltfilt(sos, eeg[eeg.std(axis=1).argmax()])
        distance, floor = 0.15, 0.4 * np.std(trace)
    peaks, _ = signal.find_peaks(trace, distance=distance * SAMPLING_RATE, prominence=floor)
    return peaks / SAMPLING_RATE


def interval_figures(pattern: str, seed: int, family: str) -> tuple[float, float]:
    """Rate in Hz and coefficient of variation of the intervals in 12 s of a simulated pattern."""
    session = Session(
        seed=seed,
        patient_seed=seed,
        seconds=14,
        pattern=pattern,
        ambiguity=0.2,
        # Beyond both ends, so that it neither starts nor stops.
        episodes=(Episode(pattern, -5.0, 19.0),),
        mains_frequency=60.0,
        family=family,
    )
    times = _peaks(pattern, chain_differences(simulate_pattern(session)).reshape(16, -1))
    intervals = np.diff(times[(times > 1) & (times < 13)])
    if len(intervals) < 2:
        return np.nan, np.nan
    return 1 / intervals.mean(), intervals.std() / intervals.mean()


def intervals(sessions: int, family: str) -> dict[str, dict[str, list[float]]]:
    """Rate and variation by pattern: 10, 50 and 90 %, simulated beside published."""
    found = {}
    for pattern, published in PUBLISHED.items():
        figures = np.array([interval_figures(pattern, seed, family) for seed in range(sessions)])
        quantiles = np.nanquantile(figures, [0.1, 0.5, 0.9], axis=0).round(2).T.tolist()
        found[pattern] = dict(zip(("rate", "variation"), quantiles, strict=True))
        found[pattern] |= {f"published_{name}": list(value) for name, value in published.items()}
    return found


def medians(windows: pd.DataFrame, table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Medians by class of the figures that the report leads with, in plain units."""
    shown = pd.DataFrame(
        {
            "rms_microvolts": np.exp(table["amplitude"]),
            "slope": table["slope"],
            "neighbour_correlation": table["neighbour_correlation"],
            "left_right_difference": np.exp(table["left_right_difference"]),
        }
    )
    return shown.groupby(windows["name"]).median().astype(float).round(2).to_dict("index")


def draw_spectra(simulated: pd.DataFrame, real: pd.DataFrame) -> Figure:
    """Spectra by class and chain: simulated as a band of 10 to 90 %, real as lines."""
    figure, grid = plt.subplots(6, 4, figsize=(14, 18), sharex=True, sharey=True)
    for row, name in zip(grid, CLASS_NAMES, strict=True):
        for place, (axes, chain) in enumerate(zip(row, CHAINS, strict=True)):
            own = [spectrum(eeg[place].mean(0)[None])[1][0] for eeg in _of(simulated, name)]
            if own:
                frequencies, _ = spectrum(np.zeros((1, 2000)))
                low, middle, high = np.quantile(own, [0.1, 0.5, 0.9], axis=0)
                axes.fill_between(frequencies, low, high, alpha=0.3)
                axes.plot(frequencies, middle)
            for eeg in _of(real, name):
                axes.plot(*(v.ravel() for v in spectrum(eeg[place].mean(0)[None])), "k", lw=0.7)
            axes.set(xscale="log", yscale="log", title=f"{name} {chain}", ylim=(1e-3, 1e4))
    return figure


def _of(windows: pd.DataFrame, name: str) -> list[np.ndarray]:
    return list(windows.loc[windows["name"] == name, "eeg"])


def draw_examples(windows: pd.DataFrame, title: str) -> Figure:
    """Three windows a class, 16 channels, 150 microvolts between channels."""
    figure, grid = plt.subplots(6, 3, figsize=(22, 40))
    for row, name in zip(grid, CLASS_NAMES, strict=True):
        for axes, eeg in zip(row, _of(windows, name), strict=False):
            lines = eeg.reshape(16, -1) - 150 * np.arange(16)[:, None]
            axes.plot(np.arange(2000) / SAMPLING_RATE, lines.T, "k", lw=0.5)
            axes.set(title=f"{title}: {name}", yticks=[], ylim=(-16 * 150, 150))
    return figure


def draw_features(table: pd.DataFrame, is_real: np.ndarray) -> Figure:
    """Every figure that sums windows up: simulated as a histogram, real as ticks."""
    figure, grid = plt.subplots(5, 6, figsize=(20, 14))
    for axes, name in zip(grid.flat, table, strict=False):
        axes.hist(table.loc[~is_real, name], 30, alpha=0.5)
        axes.eventplot(table.loc[is_real, name], lineoffsets=1, linelengths=5, colors="k")
        axes.set_title(name, fontsize=8)
    return figure


def save_figures(folder: Path, simulated: pd.DataFrame, real: pd.DataFrame) -> None:
    """Write spectra, examples and features to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    both = pd.concat([simulated, real], ignore_index=True)
    is_real = np.arange(len(both)) >= len(simulated)
    figures = {
        "spectra": draw_spectra(simulated, real),
        "simulated": draw_examples(simulated, "simulated"),
        "features": draw_features(features(both), is_real),
    }
    if len(real):
        figures["real"] = draw_examples(real, "real")
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=60, bbox_inches="tight")


def compare(simulated: pd.DataFrame, real: pd.DataFrame) -> dict[str, object]:
    """What the JSON says of windows; of simulated ones alone where there is no real one."""
    both = pd.concat([simulated, real], ignore_index=True)
    table, is_real = features(both), np.arange(len(both)) >= len(simulated)
    found = {"simulated": medians(both[~is_real], table[~is_real])}
    if not is_real.any():
        return found
    apart = auroc(table, is_real, both["patient"].to_numpy())
    table = table.astype(float)
    distance = (table[is_real].median() - table[~is_real].median()) / table.std()
    order = distance.abs().sort_values(ascending=False).index
    return found | {
        "real": medians(both[is_real], table[is_real]),
        "auroc": apart,
        "furthest": distance[order].head(8).round(2).to_dict(),
    }


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw-dir", type=Path, default=Path("../shared/iiic"))
    parser.add_argument("--figures", type=Path, help="folder for figures; none without it")
    parser.add_argument("--patients", type=int, default=90, help="four windows each (90)")
    parser.add_argument("--sessions", type=int, default=300, help="for intervals, a pattern (300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", choices=("anatomical", *FAMILIES), default="anatomical")
    arguments = parser.parse_args()
    simulated = simulated_windows(arguments.patients, arguments.seed, arguments.family)
    real = real_windows(arguments.raw_dir)
    if arguments.figures:
        save_figures(arguments.figures, simulated, real)
    counts = {"simulated_windows": len(simulated), "real_windows": len(real)}
    found = compare(simulated, real) | {
        "intervals": intervals(arguments.sessions, arguments.family)
    }
    print(json.dumps(counts | found))


if __name__ == "__main__":
    main()
