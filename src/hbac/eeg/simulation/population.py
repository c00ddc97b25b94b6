"""How much patterns vary from patient to patient, as quantiles over a population.

Rates, intervals and channels are those of some 4,700 recordings of critically ill patients that
experts have labelled. Amplitudes are peak to peak in the longitudinal bipolar channel in which a
pattern is largest, as the ACNS terminology counts them (Hirsch et al., J. Clin. Neurophysiol. 38,
2021: below 20 microvolts very low, below 50 low, below 150 medium, else high); where no figures are
published, the quantiles are spread over these categories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TAIL = 1.2815515655446004
"""Standard deviations from the median of a normal distribution to its 90 % quantile."""


@dataclass(frozen=True)
class Quantiles:
    """A positive quantity, log-normal on either side of its median.

    Attributes:
        low: its 10 % quantile.
        median: its 50 % quantile.
        high: its 90 % quantile.
    """

    low: float
    median: float
    high: float

    def at(self, score: float) -> float:
        """The quantity at a standard normal score: ``median`` at 0."""
        end = self.high if score > 0 else self.low
        return float(self.median * (end / self.median) ** (abs(score) / _TAIL))

    def draw(self, rng: np.random.Generator, *, limits: tuple[float, float] = (0, np.inf)) -> float:
        """Draw the quantity; what falls outside ``limits`` is set to the nearer limit."""
        return float(np.clip(self.at(rng.standard_normal()), *limits))


LPD_RATE = Quantiles(0.5, 1.0, 1.75)
GPD_RATE = Quantiles(0.75, 1.25, 2.0)
RDA_RATE = Quantiles(0.75, 1.33, 2.0)
"""Hz, of LRDA and GRDA alike."""

LPD_VARIATION = Quantiles(0.11, 0.21, 0.39)
GPD_VARIATION = Quantiles(0.12, 0.25, 0.56)
RDA_VARIATION = Quantiles(0.03, 0.10, 0.18)
"""Standard deviation of the intervals of 10 s over their mean, of LRDA and GRDA alike."""

LPD_CHANNELS = Quantiles(2, 5, 12)
"""Channels of the 18 of the longitudinal bipolar montage that an LPD involves."""

LPD_BILATERAL = 0.05
"""Fraction of LPDs that are seen on both sides."""

GENERALISED_SEIZURES = 0.25
"""Fraction of seizures that begin on both sides."""

LPD_AMPLITUDE = Quantiles(45, 100, 200)
GPD_AMPLITUDE = Quantiles(50, 110, 220)
LRDA_AMPLITUDE = Quantiles(40, 75, 150)
GRDA_AMPLITUDE = Quantiles(45, 90, 180)
SEIZURE_AMPLITUDE = Quantiles(80, 180, 400)
"""Microvolts; a seizure stands out of the background by far."""
