"""Long work: in a process of its own, told as it goes, stopped when asked, and over when the server is."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("fastapi")

import latentspace as ls
from latentspace.progress import heard, track
from latentspace.web.jobs import Job, Jobs, Stopped
from latentspace.web.mapping import make_map


def over(job):
    while not job.is_over:
        time.sleep(0.02)
    return job


@pytest.fixture
def jobs():
    held = Jobs()
    yield held
    held.close()


def test_a_map_of_another_process_is_the_one_the_library_draws_and_stays_in_the_file(pictures, tmp_path, jobs):
    path = pictures.save(tmp_path / "digits.latent")
    space = ls.load(path)
    told = []
    job = Job(1, "t-SNE")
    job.tell = lambda *now: told.append(now)
    drawn = make_map(space, "tsne", job)
    again = ls.load(path)
    np.testing.assert_array_equal(drawn.coordinates, pictures.map("tsne").coordinates)
    assert drawn.honesty.to_dict() == pictures.maps["tsne"].honesty.to_dict()
    assert told[0] == ("getting ready",)
    assert {label for label, *_ in told[1:]} == {"t-SNE"}
    np.testing.assert_array_equal(again.maps["tsne"].coordinates, drawn.coordinates)
    assert not space.refresh()  # its own change is nothing new to it
    assert space._graphs["euclidean"].k >= 15  # what the other process computed is not computed again
    pictures.maps.pop("tsne")


def test_what_a_process_says_as_it_fails_is_the_jobs_message(pictures, jobs):
    space = ls.fit(np.eye(5, dtype=np.float32), None)
    space.latents = np.full((5, 5), np.nan, np.float32)
    job = over(jobs.start("broken", lambda job: make_map(space, "tsne", job)))
    assert job.state == "failed"
    assert "NaN" in job.message
    assert "Traceback" not in job.message


def test_a_job_that_is_asked_to_stop_ends_its_process(jobs):
    space = ls.fit(np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32), None)
    job = jobs.start("long", lambda job: make_map(space, "tsne", job))
    job.stopping.set()
    assert over(job).state == "stopped"
    assert not space.maps


def test_the_process_ends_when_its_server_is_no_more(tmp_path):
    np.save(tmp_path / "z.npy", np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32))
    command = [sys.executable, "-m", "latentspace.web.mapping", "--", str(tmp_path), "tsne", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        child.stdin.close()
        assert child.wait(60) == 3
    assert not (tmp_path / "map.json").exists()


def test_the_same_work_is_one_job_and_others_wait_their_turn(jobs):
    gate = threading.Event()
    first = jobs.start("a", lambda _: gate.wait())
    assert jobs.start("a", lambda _: None) is first
    second = jobs.start("b", lambda _: None)
    assert second.state == "waiting"
    gate.set()
    assert over(second).state == over(first).state == "done"
    assert [job.what for job in jobs.all()] == ["b", "a"]


def test_a_job_that_waits_can_be_stopped_and_a_failure_is_told_in_its_words(jobs):
    def fails(job):
        raise ValueError("too small")

    def asked(job):
        raise Stopped

    assert over(jobs.start("x", asked)).state == "stopped"
    failed = over(jobs.start("y", fails)).to_dict()
    assert (failed["state"], failed["message"], failed["eta"]) == ("failed", "too small", None)


def test_progress_is_heard_without_a_terminal():
    told = []
    with heard(lambda *now: told.append(now)):
        for _ in track(range(4), "steps"):
            time.sleep(0.11)
    assert [label for label, *_ in told] == ["steps"] * len(told)
    shares = [share for _, share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_jobs_are_listed_told_and_stopped_over_http(pictures, served):
    client = served(pictures)
    gate = threading.Event()
    jobs = client.app._app.state.jobs
    jobs.start("held", lambda _: gate.wait())
    waits = client.post("/api/spaces/0/maps/umap").json()
    assert waits["state"] == "waiting"
    assert client.post("/api/spaces/0/maps/umap").json()["job"] == waits["job"]
    client.delete(f"/api/jobs/{waits['job']}")
    gate.set()
    assert over(jobs.get(waits["job"])).state == "stopped"
    listed = client.get("/api/jobs").json()
    assert [one["state"] for one in listed] == ["stopped", "done"]
    assert client.get("/api/jobs/99").status_code == client.delete("/api/jobs/99").status_code == 404
    there = client.post("/api/spaces/0/maps/pca").json()
    kept = pictures.maps["pca"]
    assert over(jobs.get(there["job"])).state == "done"
    assert pictures.maps["pca"] is kept  # a map that is there is not made again
    jobs.close()


def test_a_large_pca_is_looked_at_before_it_is_known_how_far_it_can_be_trusted(pictures, served, monkeypatch):
    from latentspace.web import mapping

    space = ls.fit(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), None)
    monkeypatch.setattr(mapping, "_AT_ONCE", 10)
    seen = []

    def instead(_, job):
        seen.append(served(space).get("/api/spaces/0/maps/pca"))
        raise Stopped

    monkeypatch.setattr(mapping, "_run", instead)
    with pytest.raises(Stopped):
        make_map(space, "pca", Job(1, "pca"))
    assert seen[0].status_code == 200
    assert space.maps["pca"].honesty.to_dict()["trustworthiness"] is None
    monkeypatch.undo()
    quick = space.maps["pca"].coordinates
    monkeypatch.setattr(mapping, "_AT_ONCE", 10)
    drawn = make_map(space, "pca", Job(2, "pca"))
    np.testing.assert_array_equal(drawn.coordinates, quick)
    assert drawn.honesty.trustworthiness > 0.5
    assert space.maps["pca"] is drawn
