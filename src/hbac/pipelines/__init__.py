"""The pipelines: each wires nodes in pipeline.py, which are pure functions in nodes.py."""
