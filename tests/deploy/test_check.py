"""What make deploy-check says where something is missing or wrong; the tools themselves are not tried here."""

from pathlib import Path

import pytest

from deploy.check import __main__ as check
from deploy.check import policies, tools
from deploy.check.running import Finding, Missing, output_of
from deploy.check.tools import Tool


def tool(version: str, folder: Path) -> Tool:
    """A program that says it is of this version."""
    program = folder / "inspect"
    program.write_text(f"#!/bin/sh\necho inspect version {version}\n")
    program.chmod(0o755)
    return Tool(((str(program),),), ("--version",), (1, 21), "inspect", "usr/bin/inspect")


def test_a_tool_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    inspect = tool("v1.21.3", tmp_path)
    assert tools.find(inspect) == [str(tmp_path / "inspect")]


@pytest.mark.parametrize("version", ["v1.20.9", "v0.99", "unknown"])
def test_where_a_tool_is_too_old_and_none_can_be_unpacked_it_says_what_to_install(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect = tool(version, tmp_path)
    monkeypatch.setattr(tools, "DEBIAN", tmp_path / "debian")
    # No apt-get here.
    monkeypatch.setenv("PATH", str(tmp_path))
    said = r"(?s)install .*, version 1\.21 or newer.*inspect: not on the PATH, and there is no apt-get"
    with pytest.raises(Missing, match=said):
        tools.find(inspect)


def test_a_command_that_fails_is_a_finding_with_all_that_it_said() -> None:
    with pytest.raises(Finding, match=r"(?s)to stdout.*to stderr"):
        output_of(["sh", "-c", "echo to stdout; echo to stderr >&2; exit 3"])


def test_one_finding_fails_all_and_the_other_checks_are_still_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check_first() -> str:
        raise Finding("not as it should be")

    def check_second() -> str:
        return "as it should be"

    monkeypatch.setattr(check, "CHECKS", (check_first, check_second))
    assert check.main([]) == 1
    said = capsys.readouterr().out
    assert "FAIL first (0 s): not as it should be" in said
    assert "ok   second (0 s): as it should be" in said
    assert said.endswith("deploy-check: 1 of 2 checks passed\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 1, "FAIL first (0 s): no kubectl\ndeploy-check: 0 of 1 checks passed\n"),
        (["--skip-missing"], 0, "skip first (0 s): no kubectl\ndeploy-check: 0 of 1 checks passed, 1 skipped\n"),
    ],
)
def test_a_check_that_cannot_run_fails_unless_that_is_forgiven(
    arguments: list[str], status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check_first() -> str:
        raise Missing("no kubectl")

    monkeypatch.setattr(check, "CHECKS", (check_first,))
    assert check.main(arguments) == status
    assert capsys.readouterr().out == said


def test_what_is_found_is_never_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_first() -> str:
        raise Finding("not as it should be")

    monkeypatch.setattr(check, "CHECKS", (check_first,))
    assert check.main(["--skip-missing"]) == 1


def test_every_policy_that_is_left_out_has_a_reason() -> None:
    skips = policies.read_skips()
    assert skips
    assert all(len(skip["why"]) > 40 and skip.keys() <= {"check", "why", "of"} for skip in skips)


def test_a_policy_is_left_out_only_where_it_says() -> None:
    assert "CKV2_K8S_6" in policies.skipped("laptop")
    assert "CKV2_K8S_6" not in policies.skipped("production")
