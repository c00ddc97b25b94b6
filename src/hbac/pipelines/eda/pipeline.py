"""Wiring of exploratory data analysis."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.eda import nodes
from hbac.plots import labels


def create_pipeline() -> Pipeline:
    """Build the pipeline from the raw data to tables and figures."""
    return Pipeline(
        [
            Node(
                nodes.count_labels,
                inputs=["train_labels", "train_eegs", "train_spectrograms"],
                outputs="eda_counts_table",
                name="count_labels",
            ),
            Node(
                labels.class_distribution,
                inputs="train_labels",
                outputs="eda_class_distribution_figure",
                name="plot_class_distribution",
            ),
            Node(
                labels.label_offsets,
                inputs="train_labels",
                outputs="eda_label_offsets_figure",
                name="plot_label_offsets",
            ),
            Node(
                labels.vote_agreement,
                inputs="train_labels",
                outputs="eda_vote_agreement_figure",
                name="plot_vote_agreement",
            ),
            Node(
                nodes.measure_missing_data,
                inputs=["train_eegs", "params:eda"],
                outputs="eda_missing_shares",
                name="measure_missing_data",
            ),
            Node(
                nodes.tabulate_missing_data,
                inputs="eda_missing_shares",
                outputs="eda_missing_data_table",
                name="tabulate_missing_data",
            ),
            Node(
                nodes.plot_missing_data,
                inputs=["eda_missing_shares", "train_eegs"],
                outputs="eda_missing_data_figure",
                name="plot_missing_data",
            ),
            Node(
                nodes.choose_example,
                inputs=["train_labels", "train_eegs", "params:eda"],
                outputs="eda_example_label",
                name="choose_example",
            ),
            Node(
                nodes.plot_example_eeg,
                inputs=["eda_example_label", "train_eegs"],
                outputs="eda_example_eeg_figure",
                name="plot_example_eeg",
            ),
            Node(
                nodes.plot_example_spectrogram,
                inputs=["eda_example_label", "train_spectrograms"],
                outputs="eda_example_spectrogram_figure",
                name="plot_example_spectrogram",
            ),
        ]
    )
