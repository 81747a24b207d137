"""``gammaface doctor``: what is wrong here, and what mends it."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check this installation and the workspace; exit 2 where something needs mending."""
    # Imported here: torch and diffusers take seconds that `--help` should not pay.
    from gammaface.doctor import examine

    wrong = 0
    for finding in examine():
        print(f"{'mend' if finding.mend else 'ok':4}  {finding.topic}: {finding.found}")
        if finding.mend:
            wrong += 1
            print(f"      {finding.mend}")
    if wrong:
        raise typer.Exit(2)
