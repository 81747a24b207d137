"""What a survey found, in numbers and in sentences made from them."""

from __future__ import annotations

import pandas as pd

from gammaface.shares.people import name_of

ALPHA = 0.05
DEGREES = ((0.5, "largely follow"), (0.2, "partly follow"), (0.05, "weakly follow"), (0.0, "hardly follow"))
SOURCES = {"generated": "the model's own faces", "real": "real faces with noise added"}
LOOKS = ("brightness", "contrast", "background", "light_from_left", "pose")


def findings(*, sweep: pd.DataFrame, association: pd.DataFrame, probes: pd.DataFrame) -> dict:
    """The strongest cells, and plain words.

    Parameters
    ----------
    sweep, association, probes : pandas.DataFrame
        The tables of :mod:`gammaface.studies.survey`.

    Returns
    -------
    dict
        ``best`` (a row per source and attribute: the cell with the highest adjusted mutual
        information among those that beat chance, with the best probe beside it), ``bic_k``
        (the K of the lowest BIC by source, view and timestep) and ``sentences``.
    """
    best = [
        _best(source, name, rows, probes)
        for (source, name), rows in association.groupby(["source", "attribute"], sort=False)
    ]
    lowest = sweep.loc[sweep.groupby(["source", "view", "t"], sort=False)["bic"].idxmin()]
    bic_k = lowest[["source", "view", "t", "sqrt_abar", "k"]]
    sentences = []
    for source, words in SOURCES.items():
        mine = [row for row in best if row["source"] == source]
        if mine:
            sentences += [_sentence(row, words) for row in mine if row["attribute"] not in LOOKS]
            sentences += _against_looks(mine, words)
            sentences += _about_k(bic_k[bic_k["source"] == source], words)
    return {"best": best, "bic_k": bic_k.to_dict(orient="records"), "sentences": sentences}


def _best(source: str, name: str, rows: pd.DataFrame, probes: pd.DataFrame) -> dict:
    clear = rows[rows["p_holm"] < ALPHA]
    row: dict = {"source": source, "attribute": name, "beats_chance": bool(len(clear)), "cells": len(rows)}
    pick = clear if len(clear) else rows
    if pick["ami"].notna().any():
        top = pick.loc[pick["ami"].idxmax()]
        row |= {
            key: top[key] for key in ("view", "space", "t", "sqrt_abar", "k", "ami", "cramers_v", "p_holm")
        }
        row = {key: value.item() if hasattr(value, "item") else value for key, value in row.items()}
    if len(probes):
        mine = probes[(probes["source"] == source) & (probes["attribute"] == name)]
        if mine["accuracy"].notna().any():
            top = mine.loc[mine["accuracy"].idxmax()]
            row["probe"] = {
                key: float(top[key]) for key in ("accuracy", "low", "high", "majority", "sqrt_abar")
            } | {"space": top["space"]}
    return row


def degree(ami: float) -> str:
    """An adjusted mutual information in words.

    Examples
    --------
    >>> degree(0.03), degree(0.3)
    ('hardly follow', 'partly follow')
    """
    return next(words for least, words in DEGREES if max(ami, 0.0) >= least)


def _sentence(row: dict, words: str) -> str:
    name = name_of(row["attribute"])
    if "ami" not in row:
        return f"In {words}, {name} has one value only: nothing can be said of it."
    if row["beats_chance"]:
        text = (
            f"In {words}, components {degree(row['ami'])} {name}: the highest AMI is {row['ami']:.3f}, in"
            f" {row['view']} at √ᾱ = {row['sqrt_abar']:.2f} with K = {row['k']} ({_p(row['p_holm'])}"
            " after Holm's correction)."
        )
    else:
        text = (
            f"In {words}, none of {row['cells']} fits follows {name} more than chance does (highest AMI"
            f" {row['ami']:.3f}, p = {row['p_holm']:.2f} after Holm's correction)."
        )
    if probe := row.get("probe"):
        text += (
            f" A linear probe reads it with accuracy {probe['accuracy']:.2f} (majority"
            f" {probe['majority']:.2f}) from {probe['space']} at √ᾱ = {probe['sqrt_abar']:.2f}."
        )
        if probe["low"] > probe["majority"] and row["ami"] < 0.2:
            text += " So the attribute is there, and the mixture does not line up with it."
    return text


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"


def _against_looks(rows: list[dict], words: str) -> list[str]:
    seen = [row for row in rows if "ami" in row]
    people = [row for row in seen if row["attribute"] not in LOOKS]
    looks = [row for row in seen if row["attribute"] in LOOKS]
    if not people or not looks:
        return []
    most, look = (max(group, key=lambda row: row["ami"]) for group in (people, looks))
    order = "more" if look["ami"] > most["ami"] else "less"
    return [
        f"In {words}, components follow {look['attribute'].replace('_', ' ')} (AMI up to {look['ami']:.3f})"
        f" {order} than any attribute of people ({name_of(most['attribute'])}, up to {most['ami']:.3f})."
    ]


def _about_k(lowest: pd.DataFrame, words: str) -> list[str]:
    said = []
    for view, rows in lowest[lowest["t"] >= 0].groupby("view", sort=False):
        rows = rows.sort_values("sqrt_abar")
        first, last = rows.iloc[0], rows.iloc[-1]
        if first["k"] != last["k"]:
            said.append(
                f"In {words}, {view}: BIC is lowest at K = {int(first['k'])} where √ᾱ ="
                f" {first['sqrt_abar']:.2f} and at K = {int(last['k'])} where √ᾱ = {last['sqrt_abar']:.2f}:"
                " K says as much about the timestep as about people."
            )
    return said
