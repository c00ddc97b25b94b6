"""Folders of what is made from the same files, each of which is read once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hbac.datasets.fingerprint import Writer
from hbac.datasets.partitioned import ParallelPartitionedDataset
from hbac.datasets.quarantine import Quarantine
from hbac.datasets.saving import FolderSave, save_together
from hbac.datasets.together import Together


class OnePassDataset(ParallelPartitionedDataset):
    """A folder with a file a partition, and others that are filled in the same pass.

    Loading returns what is in the folder itself; each of the others has an entry of its own in the
    catalog. Saving takes callables, and of those that are ``Together`` what they name beside. In
    every folder only what is missing or changed is made. What else is made of a file is not tried
    once something of it has failed; it fails by itself without a word in any table, since whoever
    needs it makes it from the file.

    Args:
        beside: paths or URLs of the other folders, by the name that ``Together`` knows them by.
            A folder of which a save names nothing stays as it is.
        settings: as of ``ParallelPartitionedDataset``, of all folders.
    """

    def __init__(self, *, beside: Mapping[str, str], **settings: Any):
        super().__init__(**settings)
        self._beside = {name: replace(self._folder, url=str(url)) for name, url in beside.items()}

    def save(self, data: dict[str, Callable[[], Any]]) -> None:
        """Run the callables that are new or changed, and write what they return.

        Args:
            data: by id, a callable or ``Together``.

        Raises:
            DatasetError: see ``ParallelPartitionedDataset.save``.
            KeyError: if something is to be made beside that has no folder.
        """
        every = {
            name: task if isinstance(task, Together) else Together(task)
            for name, task in data.items()
        }
        tasks, writer = {id_: one.task for id_, one in every.items()}, Writer()
        saves = [FolderSave(self._folder, tasks, self._quarantine, writer)]
        tolerant = Quarantine(max_failure_rate=1.0)
        for name in dict.fromkeys(name for one in every.values() for name in one.beside):
            tasks = {id_: one.beside[name] for id_, one in every.items() if name in one.beside}
            saves.append(FolderSave(self._beside[name], tasks, tolerant, writer))
        save_together(saves, self._workers)
