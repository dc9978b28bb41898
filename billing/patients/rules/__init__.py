"""Decisions about people, their insurance and their rights to a discount; no database, no clock."""
