import numpy as np
import pandas as pd

from hbac.evaluation import unbeaten_baselines


def judge(*rows):
    columns = ["tier", "baseline", "difference", "low", "high"]
    return unbeaten_baselines(pd.DataFrame(rows, columns=columns), 0.95)


def test_a_baseline_that_is_beaten_needs_no_words():
    assert judge(("all", "uniform", -0.4, -0.5, -0.3)) == []


def test_a_network_that_is_worse():
    (said,) = judge(("all", "class prior", 0.0123, -0.1, 0.2))
    assert said.startswith("The network does not beat the baseline class prior")
    assert "higher by 0.012 nats" in said


def test_a_network_that_may_be_worse():
    (said,) = judge(("all", "class prior", -0.02, -0.051, 0.004))
    assert said.startswith("It is not shown that the network beats the baseline class prior")
    assert "95% interval of the difference, -0.051 to 0.004, includes 0" in said


def test_a_difference_without_interval():
    (said,) = judge(("all", "uniform", -0.02, np.nan, np.nan))
    assert "one patient" in said


def test_tiers_are_not_judged():
    assert judge(("under 3", "uniform", 0.4, 0.3, 0.5)) == []
