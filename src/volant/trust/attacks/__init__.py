"""The attack matrix: what each attack on updates comes to, with each key stolen, against each way of checking.

A world in memory is attacked for real, cell by cell, and what came of it is held against what is expected: the
losses that Uptane defines are among it. Nothing here is part of a car.
"""
