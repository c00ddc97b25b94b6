"""How one file of the project is read or written, and how thousands of them are."""

from hbac.datasets.eeg_file import EEGDataset
from hbac.datasets.keras_model import KerasModelDataset
from hbac.datasets.labels import LabelsDataset
from hbac.datasets.npy import NpyDataset
from hbac.datasets.partitioned import ParallelPartitionedDataset
from hbac.datasets.record import RecordDataset
from hbac.datasets.regional_file import RegionalSpectrogramDataset
from hbac.datasets.stacked import StackedArrayDataset

__all__ = [
    "EEGDataset",
    "KerasModelDataset",
    "LabelsDataset",
    "NpyDataset",
    "ParallelPartitionedDataset",
    "RecordDataset",
    "RegionalSpectrogramDataset",
    "StackedArrayDataset",
]
