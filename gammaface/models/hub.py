"""Models on the Hugging Face hub: which files, how large, fetched once, pinned to a commit."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gammaface.errors import GammaFaceError

INDEX = "model_index.json"
Tell = Callable[[str], None]


def tell_stderr(words: str) -> None:
    """Say one line where a command's results do not go."""
    print(f"gammaface: {words}", file=sys.stderr)


def plain_name(model: str) -> str:
    """A model's name as part of a file name.

    Examples
    --------
    >>> plain_name("google/ddpm-celebahq-256@main#3")
    'ddpm-celebahq-256-main-3'
    """
    return re.sub(r"[^\w.-]+", "-", Path(model).name)


def human_size(n: float) -> str:
    """Bytes as people read them.

    Examples
    --------
    >>> human_size(950), human_size(454_900_000), human_size(2_500_000_000)
    ('950 B', '455 MB', '2.5 GB')
    """
    for unit, digits in (("B", 0), ("kB", 0), ("MB", 0)):
        if n < 999.5:
            return f"{n:.{digits}f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"


@dataclass(frozen=True)
class Repository:
    """A hub model at one commit.

    ``sizes`` has the bytes of every file; it is None where the hub was not asked, because
    it is offline or out of reach, and only what is cached can be read.
    """

    hub_id: str
    commit: str
    sizes: dict[str, int] | None

    @property
    def name(self) -> str:
        """Id and commit, which names the same weights for ever."""
        return f"{self.hub_id}@{self.commit}"

    def missing(self, files: Iterable[str]) -> dict[str, int]:
        """Those files that are not in the cache, with their bytes."""
        from huggingface_hub import try_to_load_from_cache

        def cached(file: str) -> bool:
            return isinstance(try_to_load_from_cache(self.hub_id, file, revision=self.commit), str)

        return {file: (self.sizes or {}).get(file, 0) for file in files if not cached(file)}

    @property
    def folder(self) -> Path:
        """The snapshot in the cache."""
        from huggingface_hub import try_to_load_from_cache

        return Path(try_to_load_from_cache(self.hub_id, INDEX, revision=self.commit)).parent

    def fetch(self, files: list[str], *, tell: Tell = tell_stderr) -> Path:
        """Download what is not cached, after its size was told; returns the snapshot's folder.

        Raises
        ------
        GammaFaceError
            When a file is not there, or the hub cannot be reached.
        """
        from huggingface_hub import hf_hub_download

        missing = self.missing(files)
        size = sum(missing.values())
        if size > 1_000_000:
            tell(f"{self.hub_id} at {self.commit[:12]}: {human_size(size)} to download, once")
        with _in_words(self.hub_id):
            # One after the other: each has its own progress bar, and most of it is one file.
            for file in files:
                hf_hub_download(self.hub_id, file, revision=self.commit)
        return self.folder


def find_repository(hub_id: str, revision: str | None = None, *, tell: Tell = tell_stderr) -> Repository:
    """Fetch a model's index and ask for its files; without the hub, take what the cache holds.

    Parameters
    ----------
    hub_id : str
        ``owner/name``.
    revision : str, optional
        Branch, tag or commit; the default branch without one.

    Raises
    ------
    GammaFaceError
        For a model that is not there, needs a licence accepted, or is neither reachable
        nor cached. HF_HUB_OFFLINE=1 keeps everything off the network.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    with _in_words(hub_id):
        # The client itself turns to its cache, branches included, where the hub is silent.
        commit = Path(hf_hub_download(hub_id, INDEX, revision=revision)).parent.name
        if constants.is_offline_mode():
            return Repository(hub_id, commit, None)
        try:
            tree = HfApi().list_repo_tree(hub_id, revision=commit, recursive=True)
            return Repository(hub_id, commit, {f.path: f.size for f in tree if hasattr(f, "size")})
        except Exception as error:
            if not _unreachable(error):
                raise
    tell(f"the hub cannot be reached; {hub_id} at {commit[:12]} is read from the cache")
    return Repository(hub_id, commit, None)


def _unreachable(error: Exception) -> bool:
    """Whether the hub did not answer, rather than answer no."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response is None or error.response.status_code >= 500
    return isinstance(error, (httpx2.TransportError, OSError))


@contextmanager
def _in_words(hub_id: str):
    """Turn what the hub's client raises into one sentence."""
    import httpx2
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.LocalEntryNotFoundError:
        why = "HF_HUB_OFFLINE is set" if constants.is_offline_mode() else "the hub cannot be reached"
        raise GammaFaceError(
            f"{why}, and '{hub_id}' is not in the cache",
            fix="Connect once and load it, or download the folder elsewhere and give its path.",
        ) from None
    except errors.GatedRepoError:
        raise GammaFaceError(
            f"the hub model '{hub_id}' asks for a licence to be accepted",
            fix="Accept it on its page, run `hf auth login`, then try again.",
        ) from None
    except errors.RepositoryNotFoundError:
        raise GammaFaceError(
            f"there is no hub model '{hub_id}', or it is private",
            fix="Check the id, or run `hf auth login`.",
        ) from None
    except errors.RevisionNotFoundError:
        raise GammaFaceError(
            f"the hub model '{hub_id}' has no such revision", fix="Give a branch, a tag or a commit."
        ) from None
    except errors.EntryNotFoundError as error:
        raise GammaFaceError(
            f"a file of the hub model '{hub_id}' is missing: {str(error).splitlines()[0][:160]}",
            fix="Give a model in diffusers' format.",
        ) from None
    except (errors.HfHubHTTPError, errors.HFValidationError, httpx2.HTTPError, OSError) as error:
        raise GammaFaceError(
            f"the hub model '{hub_id}' could not be fetched: {type(error).__name__}",
            fix="Check the id and the network, or download the folder and give its path.",
        ) from None
