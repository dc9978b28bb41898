"""Decisions and texts of this room: which exports there are, plain-text journals, chains of moves."""
