"""Where a finished job leads: which page shows its run, and by which choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from gammaface.jobs import Job


@dataclass(frozen=True)
class Lead:
    """The words of the link, the page (None: any), and the choice that names the run there."""

    label: str
    page: str | None
    choice: str
    more: dict[str, str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> bool:
        """Whether it leads to another page than the one that is shown."""
        return self.page is not None and Path(self.page).stem != st.session_state.get("showing")

    def choices(self, job: Job) -> dict[str, str]:
        """What to choose to see the run of a job."""
        return self.more | {self.choice: job.run}


APPLICATIONS = "pages/audit/applications.py"
CLASSIFIER, UPSCALER = "A face classifier", "An upscaler"
LEADS_TO = {
    "audit": Lead("See the audit", "pages/audit/generator.py", "audit"),
    "downstream": Lead("See the classifiers", "pages/audit/classifiers.py", "downstream"),
    "study": Lead("Show it", None, "run"),
    "explore": Lead("See clusters", "pages/explore/clusters.py", "latents"),
    "survey": Lead("See the survey", "pages/explore/timesteps.py", "survey"),
    "classifier-audit": Lead(
        "See what it does", APPLICATIONS, "application-classifier-audit", {"tried": CLASSIFIER}
    ),
    "super-resolution-audit": Lead(
        "See what it does", APPLICATIONS, "application-super-resolution-audit", {"tried": UPSCALER}
    ),
}


def is_shown(job: Job) -> bool:
    """Whether the reader looks at the run of a finished job already."""
    lead = LEADS_TO[job.task]
    # The link, for a page's own choice is drawn below the jobs; the choice, for a link leaves out defaults.
    named = (st.query_params.get(lead.choice), st.session_state.get(lead.choice))
    return not lead.elsewhere and job.run in named
