"""The recipes in docs are run with stand-ins for srun and accelerate; what they start must exist."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import typer
import yaml
from accelerate.commands.launch import launch_command_parser

from gammaface.cli import app
from gammaface.commands.launched import SHARED

DOCS = Path(__file__).resolve().parent.parent / "docs"
LAUNCHERS = {
    "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
    "scontrol": "printf 'host-0\\nhost-1\\n'",
    "accelerate": 'python3 -c "import json, sys; print(json.dumps(sys.argv[1:]))" "$@" >> "$SEEN"',
}


def started(script: str, tmp_path: Path, **environment: str) -> list[list[str]]:
    """The arguments of every `accelerate` that a script starts."""
    for name, body in LAUNCHERS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    seen = tmp_path / "seen"
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEEN": str(seen)}
    subprocess.run(["bash", "-n", "-c", script], check=True)
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True, env=environment)
    return [json.loads(line) for line in seen.read_text().splitlines()]


def check(arguments: list[str], *, hosts: int, rank: int) -> str:
    """Parse a launch as accelerate and our command line would; the command's name."""
    assert arguments[0] == "launch"
    launch, rest = launch_command_parser().parse_known_args(arguments[1:])
    assert not rest and launch.multi_gpu and launch.module and launch.training_script == "gammaface"
    assert int(launch.num_machines) == hosts and int(launch.machine_rank) == rank
    assert int(launch.num_processes) == 8 * hosts and launch.main_process_ip
    name, *given = launch.training_script_args
    assert name in SHARED
    command = typer.main.get_command(app).commands[name]
    command.make_context(name, given)  # raises for options and values that it does not know
    return name


def test_the_slurm_recipe_starts_commands_that_exist(tmp_path):
    script = (DOCS / "slurm" / "chain.sbatch").read_text()
    job = {"SLURM_JOB_NODELIST": "host-[0-7]", "SLURM_NNODES": "8", "SLURM_NODEID": "3", "DRAWS": "2"}
    found = started(script, tmp_path, **job)
    names = [check(each, hosts=8, rank=3) for each in found]
    assert names == ["harvest", "sweep", "fit", *["sample", "label"] * 2]
    options = re.findall(r"^#SBATCH --([a-z-]+)(?:=\S+)?$", script, flags=re.M)
    assert len(options) == script.count("\n#SBATCH") and "nodes" in options


def test_the_kubernetes_recipe_starts_commands_that_exist(tmp_path):
    service, claim, job = yaml.safe_load_all((DOCS / "kubernetes" / "sample.yaml").read_text())
    assert [part["kind"] for part in (service, claim, job)] == ["Service", "PersistentVolumeClaim", "Job"]
    spec = job["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"] == 8
    assert pod["subdomain"] == service["metadata"]["name"] and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": job["metadata"]["name"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    environment = {each["name"]: each["value"] for each in container["env"]} | {"DRAWS": "2"}
    found = started(container["args"][0], tmp_path, JOB_COMPLETION_INDEX="5", **environment)
    assert [check(each, hosts=8, rank=5) for each in found] == ["sample", "label"] * 2
    assert f"{job['metadata']['name']}-0.{pod['subdomain']}" in found[0]


def test_an_unknown_option_would_be_seen():
    wrong = ["launch", "--multi_gpu", "--num_machines", "8", "--num_processes", "64", "--machine_rank", "0"]
    wrong += ["--main_process_ip", "host-0", "-m", "gammaface", "sample", "--colour", "red"]
    with pytest.raises(Exception, match="[Nn]o such option.*--colour"):
        check(wrong, hosts=8, rank=0)
