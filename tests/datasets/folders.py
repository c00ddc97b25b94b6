"""Folders of small arrays."""

from hbac.datasets import ParallelPartitionedDataset


def folder(path, dataset="hbac.datasets.NpyDataset", n_jobs=1, **settings):
    return ParallelPartitionedDataset(
        path=str(path), dataset=dataset, filename_suffix=".npy", n_jobs=n_jobs, **settings
    )
