"""Progress where stderr is no terminal: lines, and only for who asked to be told."""

from latentspace import progress


def test_lines_are_written_to_a_pipe_within_aloud_and_nowhere_else(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY_LINE", 0.0)
    with progress.Progress("learning", 4) as quiet:
        quiet.advance()
    assert capsys.readouterr() == ("", "")
    with progress.aloud(), progress.Progress("learning", 4) as told:
        told.advance(note="2 bits")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("learning: 1 of 4 (25%), ")
    assert err.endswith("s left 2 bits\n")


def test_work_that_is_soon_done_says_nothing(capsys):
    with progress.aloud(), progress.Progress("learning", 1) as told:
        told.advance()
    assert capsys.readouterr() == ("", "")
