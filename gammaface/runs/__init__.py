"""What keeps a run folder whole: its manifest, its checksums, its lock."""
