"""What a user of the package relies on before calling anything: how it installs, and what importing it loads."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import autograph as ag

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

PUBLIC = {
    "ConversionError",
    "TensorSpec",
    "convert",
    "do_not_convert",
    "function",
    "run_functions_eagerly",
    "set_element_type",
    "set_loop_options",
    "stack",
    "to_code",
    "to_graph",
    "utils",
}
# Whatever the converter does not need is loaded by what does.
HEAVY = {
    "equinox",
    "flax",
    "jax",
    "jaxlib",
    "keras",
    "matplotlib",
    "numpy",
    "optax",
    "pygments",
    "rich",
    "sklearn",
    "tensorflow",
    "torch",
}


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_public_names_exist() -> None:
    missing = [name for name in PUBLIC if not hasattr(ag, name)]
    assert not missing
    assert PUBLIC <= set(ag.__all__)
    assert all(hasattr(ag, name) for name in ag.__all__)
    assert ag.utils.set_element_type is ag.set_element_type


def test_import_loads_no_framework() -> None:
    loaded = loaded_after("import autograph")
    assert "autograph" in loaded
    assert not loaded & HEAVY


def test_converting_a_plain_function_loads_no_framework(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(
        "import autograph as ag\n"
        "@ag.convert\n"
        "def count(n):\n"
        "    total = 0\n"
        "    for i in range(n):\n"
        "        if i % 2:\n"
        "            continue\n"
        "        total += i\n"
        "    return total\n"
        "assert count(10) == 20\n"
    )
    assert not loaded_after(f"import runpy; runpy.run_path({str(tmp_path / 'plain.py')!r})") & HEAVY


def test_the_command_loads_no_framework_to_show_code() -> None:
    loaded = loaded_after("from autograph.cli import main; main(['code', 'bisect:bisect_left'])")
    assert not loaded & HEAVY


def test_types_are_shipped() -> None:
    package = Path(ag.__file__).parent
    assert (package / "py.typed").is_file()


def test_required_dependencies_are_none() -> None:
    assert PROJECT["name"] == "autograph-compiler"
    assert PROJECT["requires-python"] == ">=3.11"
    assert PROJECT["dependencies"] == []
    assert sys.version_info >= (3, 11)


@pytest.mark.parametrize("extra", ["jax", "tensorflow", "torch", "demo", "all", "dev"])
def test_extras_have_lower_bounds(extra: str) -> None:
    requirements = PROJECT["optional-dependencies"][extra]
    assert requirements
    for requirement in requirements:
        assert re.match(r"autograph-compiler\[[\w,]+\]$|[\w-]+>=\d", requirement), requirement


def test_every_extra_named_by_another_exists() -> None:
    extras = PROJECT["optional-dependencies"]
    for requirements in extras.values():
        for requirement in requirements:
            named = re.match(r"autograph-compiler\[([\w,]+)\]$", requirement)
            if named:
                assert set(named[1].split(",")) <= set(extras)


def test_the_installed_distribution_is_this_one() -> None:
    """What `pip` installed says what `pyproject.toml` says; otherwise `make test` tests something else."""
    distribution = metadata.distribution("autograph-compiler")
    assert distribution.version == ag.__version__
    scripts = {entry.name: entry.value for entry in distribution.entry_points if entry.group == "console_scripts"}
    assert scripts == {"autograph": "autograph.cli:main"}
    assert set(distribution.metadata.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])


def test_changelog_begins_with_what_is_coming_or_here() -> None:
    headings = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {"Unreleased", ag.__version__}


def test_the_license_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_example_in_the_readme_prints_what_it_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"```python\n(.*?)```\s+```\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    assert len(example[1].splitlines()) == 15
    (tmp_path / "example.py").write_text(example[1])
    finished = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (finished.stdout, finished.returncode) == (example[2], 0), finished.stderr


def test_commands_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", (ROOT / page).read_text()))
        assert named
        assert named <= targets, page
    assert {"demo", "test", "fuzz", "bench", "clean"} <= targets
