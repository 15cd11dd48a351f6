"""Draws: what the helper has answered, for people and as JSON."""
