"""The benchmarks: each file measures one room and gives rows; `python -m bench` shows them all."""
