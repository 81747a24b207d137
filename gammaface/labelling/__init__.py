"""Perceived attributes of pictures as tables: by a classifier, by a file, by a person."""
