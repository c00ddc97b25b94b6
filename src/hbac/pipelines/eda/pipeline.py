"""Wiring of exploratory data analysis."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hbac.eeg.votes import CLASSES
from hbac.pipelines.eda.example_nodes import (
    choose_examples,
    plot_example_eegs,
    plot_example_spectrograms,
)
from hbac.pipelines.eda.label_nodes import (
    count_labels,
    tabulate_classes,
    tabulate_cooccurrence,
    tabulate_overlap,
    tabulate_patients,
)
from hbac.pipelines.eda.label_statistics import tabulate_label_statistics
from hbac.pipelines.eda.signal_nodes import (
    describe_signals,
    measure_eegs,
    plot_missing_data,
    plot_quality,
    tabulate_missing_data,
    tabulate_quality,
    tabulate_spectra,
)
from hbac.pipelines.eda.statistics import collect_statistics
from hbac.pipelines.eda.vote_nodes import describe_labels, tabulate_agreement, tabulate_confusion
from hbac.plots.labels import (
    class_cooccurrence,
    class_distribution,
    label_offsets,
    labels_by_patient,
)
from hbac.plots.spectra import class_spectra
from hbac.plots.votes import expert_confusion, vote_agreement


def _classes() -> list[Node]:
    """What the table of labels says of recordings, patients and classes, in tables."""
    return [
        Node(
            count_labels,
            ["train_labels", "unlabelled_labels", "train_eegs", "train_spectrograms"],
            "eda_counts_table",
            name="count_labels",
        ),
        Node(describe_labels, "train_labels", "eda_described_labels", name="describe_labels"),
        Node(
            tabulate_classes,
            "eda_described_labels",
            "eda_classes_table",
            name="tabulate_classes",
        ),
        Node(
            tabulate_patients,
            "eda_described_labels",
            "eda_patients_table",
            name="tabulate_patients",
        ),
    ]


def _votes() -> list[Node]:
    """What the table of labels says of experts and of overlap, in tables."""
    return [
        Node(
            tabulate_agreement,
            ["eda_described_labels", "params:eda"],
            "eda_agreement_table",
            name="tabulate_agreement",
        ),
        Node(
            tabulate_confusion,
            "eda_described_labels",
            "eda_confusion_table",
            name="tabulate_confusion",
        ),
        Node(
            tabulate_cooccurrence,
            "eda_described_labels",
            "eda_cooccurrence_table",
            name="tabulate_cooccurrence",
        ),
        Node(
            tabulate_overlap, "eda_described_labels", "eda_overlap_table", name="tabulate_overlap"
        ),
    ]


def _statistics() -> list[Node]:
    """The tables' figures in one table and one file."""
    return [
        Node(
            tabulate_label_statistics,
            [
                "eda_described_labels",
                "eda_counts_table",
                "eda_patients_table",
                "eda_classes_table",
                "eda_agreement_table",
                "eda_overlap_table",
            ],
            "eda_label_statistics_table",
            name="tabulate_label_statistics",
        ),
        Node(
            collect_statistics,
            ["eda_label_statistics_table", "eda_signal_statistics_table"],
            ["eda_statistics_table", "eda_statistics"],
            name="collect_statistics",
        ),
    ]


def _label_figures() -> list[Node]:
    """What the table of labels says, in figures."""
    return [
        Node(
            class_distribution,
            "eda_classes_table",
            "eda_class_distribution_figure",
            name="plot_class_distribution",
        ),
        Node(labels_by_patient, "eda_patients_table", "eda_patients_figure", name="plot_patients"),
        Node(
            label_offsets,
            ["eda_described_labels", "eda_overlap_table"],
            "eda_label_offsets_figure",
            name="plot_label_offsets",
        ),
        Node(
            vote_agreement,
            ["eda_described_labels", "eda_agreement_table"],
            "eda_vote_agreement_figure",
            name="plot_vote_agreement",
        ),
        Node(
            expert_confusion, "eda_confusion_table", "eda_confusion_figure", name="plot_confusion"
        ),
        Node(
            class_cooccurrence,
            ["eda_cooccurrence_table", "eda_patients_table"],
            "eda_cooccurrence_figure",
            name="plot_cooccurrence",
        ),
    ]


def _signals() -> list[Node]:
    """What a sample of the EEG holds."""
    return [
        Node(
            measure_eegs,
            ["train_labels", "train_eegs", "params:eda"],
            ["eda_channel_quality", "eda_window_spectra"],
            name="measure_eegs",
        ),
        Node(
            tabulate_missing_data,
            "eda_channel_quality",
            "eda_missing_data_table",
            name="tabulate_missing_data",
        ),
        Node(
            plot_missing_data,
            ["eda_channel_quality", "train_eegs"],
            "eda_missing_data_figure",
            name="plot_missing_data",
        ),
        Node(tabulate_quality, "eda_channel_quality", "eda_quality_table", name="tabulate_quality"),
        Node(
            plot_quality,
            ["eda_quality_table", "train_eegs"],
            "eda_quality_figure",
            name="plot_quality",
        ),
        Node(tabulate_spectra, "eda_window_spectra", "eda_spectra_table", name="tabulate_spectra"),
        Node(class_spectra, "eda_spectra_table", "eda_spectra_figure", name="plot_spectra"),
        Node(
            describe_signals,
            ["eda_missing_data_table", "eda_quality_table", "eda_spectra_table"],
            "eda_signal_statistics_table",
            name="describe_signals",
        ),
    ]


def _examples() -> list[Node]:
    """One example of each class, as it is read."""
    return [
        Node(
            choose_examples,
            ["train_labels", "train_eegs"],
            "eda_examples_table",
            name="choose_examples",
        ),
        Node(
            plot_example_eegs,
            ["eda_examples_table", "train_eegs"],
            {name: f"eda_eeg_{name}_figure" for name in CLASSES},
            name="plot_example_eegs",
        ),
        Node(
            plot_example_spectrograms,
            ["eda_examples_table", "train_spectrograms"],
            {name: f"eda_spectrogram_{name}_figure" for name in CLASSES},
            name="plot_example_spectrograms",
        ),
    ]


def create_pipeline() -> Pipeline:
    """Build the pipeline from the raw data to tables and figures."""
    labels = [*_classes(), *_votes(), *_label_figures()]
    nodes = [*labels, *_signals(), *_statistics(), *_examples()]
    return Pipeline(nodes, namespace="eda", prefix_datasets_with_namespace=False)
