"""Recordings as amplifiers write them: names, units, rates, references and gaps."""
