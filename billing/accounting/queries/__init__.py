"""Reads: `verify`, one file for each family of invariants, and the exports.

An auditor does not ask the bookkeeper: the invariants and the exports read the tables themselves, by name,
set by set, so that no other room's code stands between the rows and the verdict.
"""
