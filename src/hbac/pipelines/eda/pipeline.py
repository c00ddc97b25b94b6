"""Wiring of exploratory data analysis."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.eda.label_nodes import count_labels
from hbac.pipelines.eda.signal_nodes import (
    choose_example,
    measure_missing_data,
    plot_example_eeg,
    plot_example_spectrogram,
    plot_missing_data,
    tabulate_missing_data,
)
from hbac.plots.labels import class_distribution, label_offsets, vote_agreement


def _labels() -> list[Node]:
    """What the table of labels says."""
    return [
        Node(
            count_labels,
            ["train_labels", "train_eegs", "train_spectrograms"],
            "eda_counts_table",
            name="count_labels",
        ),
        Node(
            class_distribution,
            "train_labels",
            "eda_class_distribution_figure",
            name="plot_class_distribution",
        ),
        Node(label_offsets, "train_labels", "eda_label_offsets_figure", name="plot_label_offsets"),
        Node(
            vote_agreement, "train_labels", "eda_vote_agreement_figure", name="plot_vote_agreement"
        ),
    ]


def _signals() -> list[Node]:
    """What a sample of the EEG holds."""
    return [
        Node(
            measure_missing_data,
            ["train_eegs", "params:eda"],
            "eda_missing_shares",
            name="measure_missing_data",
        ),
        Node(
            tabulate_missing_data,
            "eda_missing_shares",
            "eda_missing_data_table",
            name="tabulate_missing_data",
        ),
        Node(
            plot_missing_data,
            ["eda_missing_shares", "train_eegs"],
            "eda_missing_data_figure",
            name="plot_missing_data",
        ),
    ]


def _examples() -> list[Node]:
    """Single windows, as they are read."""
    return [
        Node(
            choose_example,
            ["train_labels", "train_eegs", "params:eda"],
            "eda_example_label",
            name="choose_example",
        ),
        Node(
            plot_example_eeg,
            ["eda_example_label", "train_eegs"],
            "eda_example_eeg_figure",
            name="plot_example_eeg",
        ),
        Node(
            plot_example_spectrogram,
            ["eda_example_label", "train_spectrograms"],
            "eda_example_spectrogram_figure",
            name="plot_example_spectrogram",
        ),
    ]


def create_pipeline() -> Pipeline:
    """Build the pipeline from the raw data to tables and figures."""
    nodes = [*_labels(), *_signals(), *_examples()]
    return Pipeline(nodes, namespace="eda", prefix_datasets_with_namespace=False)
