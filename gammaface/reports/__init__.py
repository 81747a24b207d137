"""Studies that take hours, each as one self-contained HTML page."""
