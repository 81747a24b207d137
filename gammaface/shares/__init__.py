"""Who is drawn: shares with intervals, joint cells, and how far they are from even."""
