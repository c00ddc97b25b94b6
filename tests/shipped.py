"""The ensemble that ships with the package."""

import json

from hbac.datasets import KerasModelDataset
from hbac.shipped import pretrained_dir

SHIPPED = json.loads((pretrained_dir() / "ensemble.json").read_text())


def shipped_networks():
    """Its networks by name, as callables that load them."""
    return {
        one["name"]: KerasModelDataset(filepath=str(pretrained_dir() / f"{one['name']}.keras")).load
        for one in SHIPPED["networks"]
    }
