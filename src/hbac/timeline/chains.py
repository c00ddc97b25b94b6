"""Chains of an event, which tables hold as ``LL;LP``."""

from __future__ import annotations

from hbac.eeg.montage import BIPOLAR_PAIRS, CHAINS, pair_name


def split_chains(chains: str) -> list[str]:
    """Name the chains one by one; none of empty text.

    Raises:
        ValueError: if one of them is no chain.
    """
    names = chains.split(";") if chains else []
    unknown = set(names) - set(CHAINS)
    if unknown:
        raise ValueError(f"chains must be of {list(CHAINS)} and ;, received {chains!r}")
    return names


def chain_electrodes(chains: str) -> list[str]:
    """Electrodes of the chains, each once, front to back."""
    return list(dict.fromkeys(name for chain in split_chains(chains) for name in CHAINS[chain]))


def chain_pairs(chains: str) -> list[str]:
    """Names of the chains' bipolar channels, such as ``Fp1-F7``."""
    return [pair_name(*pair) for chain in split_chains(chains) for pair in BIPOLAR_PAIRS[chain]]
