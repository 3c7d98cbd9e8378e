"""Cohorts on a cluster: a Dask scheduler hands the series out, with the same results."""

import sys

import pytest
from typer.testing import CliRunner

from ccma_seg.cli.app import app
from ccma_seg.cohort import CohortParams, clusters, run_cohort
from ccma_seg.errors import OutputError
from test_cohort import contents, make_archive, odd_worker, run, scratch_of

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A cluster of one machine with two threads, whose processes only pretend to analyse."""
    odd = [sys.executable, odd_worker.__file__, str(scratch_of(tmp_path / "out"))]
    monkeypatch.setattr(clusters, "worker_command", lambda _: odd)
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as running:
        yield running


def test_a_cluster_gives_the_same_bytes(tmp_path, cluster):
    root = make_archive(tmp_path / "root", "a", "odd", "b", "c")
    found = run_cohort(root, tmp_path / "out", params=CohortParams(scheduler=cluster.scheduler_address))
    assert found.verdicts == {"mac": 3}
    run(root, tmp_path / "here")
    theirs, ours = contents(tmp_path / "out"), contents(tmp_path / "here")
    assert theirs == ours


def test_a_machine_that_does_not_see_the_results_stops_the_run(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(clusters, "RUN", "not-there.json")
    root = make_archive(tmp_path / "root", "a")
    with pytest.raises(OutputError, match="must be shared"):
        run_cohort(root, tmp_path / "out", params=CohortParams(scheduler=cluster.scheduler_address))


def test_a_scheduler_that_does_not_answer_leaves_with_2(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "_ANSWER_S", 0.5)
    root = make_archive(tmp_path / "root", "a")
    arguments = ["batch", root, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9"]
    result = CliRunner().invoke(app, [str(part) for part in arguments])
    assert result.exit_code == 2
    assert "a Dask scheduler must run at tcp://127.0.0.1:9" in result.stderr
