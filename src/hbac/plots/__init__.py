"""Every figure: functions that take data and return a matplotlib ``Figure``.

Figures are made without pyplot, so they need no backend and leave no state behind.
"""
