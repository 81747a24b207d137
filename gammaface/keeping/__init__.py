"""Runs kept in order: renamed, deleted, exported and imported as one file."""
