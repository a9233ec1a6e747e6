"""The console command: it finds every command, imports little, and passes arguments on."""

import importlib
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from documented import PAGES

from stages.commands.earshot import COMMANDS, dispatch, main

ROOT = Path(__file__).parents[1]


def test_every_module_that_is_a_command_is_called_by_its_name() -> None:
    files = (path for folder in ("stages/commands", "flows") for path in (ROOT / folder).glob("*.py"))
    named = [
        command[1]
        for path in files
        if (command := re.search(r'prog="earshot ([a-z]+)"', path.read_text(encoding="utf-8")))
    ]
    assert sorted(named) == sorted(COMMANDS)
    for name, module in COMMANDS.items():
        assert importlib.import_module(module).parser().prog == f"earshot {name}"


def test_help_lists_every_command_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dispatch(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for name, module in COMMANDS.items():
        line = str(importlib.import_module(module).__doc__).splitlines()[0]
        assert re.search(rf"^ +{name} +{re.escape(line)}$", printed, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_its_docstring(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dispatch([name, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: earshot {name} ")
    assert str(importlib.import_module(COMMANDS[name]).__doc__) in printed


HELP = """
import sys
import time
sys.path.insert(0, {root!r})
before = set(sys.modules)
from stages.commands.earshot import dispatch
for arguments in {calls!r}:
    try:
        dispatch(arguments)
    except SystemExit:
        pass
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(loaded - set(sys.stdlib_module_names)), file=sys.stderr)
"""


def test_help_needs_nothing_but_python(tmp_path: Path) -> None:
    calls = [["--help"], *([name, "--help"] for name in COMMANDS)]
    script = HELP.format(root=str(ROOT), calls=calls)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr.split() == ["flows", "stages"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("transcript", "no command 'transcript'; did you mean transcribe?"),
        ("chek", "no command 'chek'; did you mean check?"),
        ("deploy", f"no command 'deploy'; there are {', '.join(COMMANDS)}"),
    ],
)
def test_a_command_that_there_is_not_gets_those_that_are_near(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        dispatch([name, "--json"])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_without_a_command_help_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch([]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err[:7]) == ("", "usage: ")


def test_arguments_and_exit_codes_are_passed_on(tmp_path: Path) -> None:
    for arguments, code, said in (
        (["check", str(tmp_path / "none.yaml")], 1, "none.yaml: no such file"),
        (["compare", "a.parquet", "b.parquet"], 1, "a.parquet: no such file"),
        (["compare", "a.parquet"], 2, "required: candidate"),
    ):
        command = [sys.executable, "-m", "stages.commands", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr


def test_a_command_that_is_interrupted_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("stages.commands.check.main", interrupted)
    assert dispatch(["check"]) == 130


def test_a_check_that_is_interrupted_ends_with_130_and_says_nothing(tmp_path: Path) -> None:
    code = tmp_path / "slow.py"
    code.write_text("import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(600)\n", "utf-8")
    document = (ROOT / "flows/recipes/simple_ctc.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(document.replace("torch.optim.AdamW", "slow.Optimizer"), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.commands.check"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    while not (tmp_path / "began").exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate() == ("", None)
    assert process.returncode == 130


def documented() -> list[str]:
    """The command lines in the pages, without comments and what follows ``&&``."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    return re.findall(
        r"(?:^|`)(?:\.venv/bin/)?earshot ([^#&`\n]+?) *(?=$|[#&`])", "\n".join(texts), re.MULTILINE
    )


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_what_the_pages_say_to_type_is_understood(line: str) -> None:
    name, *arguments = line.split()
    if "--help" not in arguments and not name.startswith("-"):
        parser = importlib.import_module(COMMANDS[name]).parser()
        if arguments:  # without, a text may be speaking of the command
            parser.parse_args(arguments)


def test_the_pages_name_every_command() -> None:
    assert set(COMMANDS) <= {line.split()[0] for line in documented()}


def test_the_installed_command_is_this_one() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts.keys() == {"earshot"}
    assert EntryPoint("earshot", scripts["earshot"], "console_scripts").load() is main


def test_the_installed_command_runs_the_code_of_the_project_that_it_is_called_in(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "earshot"
    other = tmp_path / "project" / "stages" / "commands"
    for path, text in {
        script: "import sys\nfrom stages.commands.earshot import main\nsys.exit(main())\n",
        other.parent / "__init__.py": "",
        other / "__init__.py": "",
        other / "__main__.py": "import sys\nprint(__file__, sys.argv[1:])\nsys.exit(7)\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder, code, said in (
        (tmp_path / "project", 7, f"{other / '__main__.py'} ['compare', '--help']\n"),
        (tmp_path, 0, "usage: earshot compare"),
        (ROOT, 0, "usage: earshot compare"),
    ):
        done = subprocess.run(
            [sys.executable, script, "compare", "--help"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (code, "")
        assert done.stdout.startswith(said)


def test_make_checks_the_params_even_when_nothing_would_run() -> None:
    commands = subprocess.run(["make", "-n", "repro"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert commands.stdout.index("python -m stages.commands.check") < commands.stdout.index(
        "flows.dvc_command repro"
    )
