"""How one file of the project is read or written, and how thousands of them are.

Names load on first use: every worker process imports this, and starts sooner without what it does
not need.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "arrays": ["ArraysDataset"],
        "bytes_file": ["BytesDataset"],
        "checkpoint": ["CheckpointDataset"],
        "eeg_file": ["EEGDataset"],
        "figure": ["FigureDataset"],
        "keras_model": ["KerasModelDataset"],
        "labels": ["LabelsDataset"],
        "npy": ["NpyDataset"],
        "one_pass": ["OnePassDataset"],
        "partitioned": ["ParallelPartitionedDataset"],
        "record": ["RecordDataset"],
        "recordings": ["RecordingsDataset"],
        "regional_file": ["RegionalSpectrogramDataset"],
        "runs": ["FinishedRun", "RunsDataset"],
        "simulated": ["SimulationMarkDataset"],
        "stacked": ["StackedArrayDataset"],
        "stacks": ["StackedArraysDataset"],
        "table": ["TableDataset"],
        "text": ["TextDataset"],
    },
)
