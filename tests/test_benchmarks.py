"""The benchmarks without their clocks: the contestants do the same work, and the command writes what it measured."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import pytest
from benchmarks import __main__ as command
from benchmarks import check, collatz, conversion, dispatch, growth, long_function, measure, peers, readme, report
from benchmarks.fresh import Workshop, program
from benchmarks.measure import Contest, Contestant, Ratio, Spread
from benchmarks.scale import TINY

import autograph as ag

SOME_OF_MANY = {
    "kernels": ("kernel-gcd", "kernel-bubble_sort", "first-call-gcd", "kernel-gcd-everybody"),
    "paper": ("paper-train-4-batches", "paper-beam_search", "paper-tensorflow-train-4-batches", "paper-gain-decode"),
}
"""The groups in which each contest compiles programs of its own; `test_graph_quality.py` runs all kernels."""
CONTESTS = [
    contest
    for name, group in command.GROUPS.items()
    for contest in group(TINY)
    if contest.name in SOME_OF_MANY.get(name, (contest.name,))
]


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop()


# The contestants.


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_contestants_give_the_same_answers(contest: Contest):
    qualified, failed = measure.qualify(contest)
    may_refuse = {contestant.name for contestant in contest.contestants if contestant.may_refuse}
    assert failed.keys() <= may_refuse
    assert {contestant.name for contestant in contest.contestants} - may_refuse <= qualified.keys()
    assert not any(" gave " in f" {what}" for what in failed.values())


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_ratios_name_contestants(contest: Contest):
    known = {contestant.name for contestant in contest.contestants} | set(contest.missing)
    for ratio in contest.ratios:
        assert set(ratio.contestants) <= known


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_a_statement_can_be_called_as_often_as_it_was_prepared_for(contest: Contest):
    for contestant in contest.contestants:
        if contestant.may_refuse:
            continue
        statement = contestant.prepare(2)
        statement()
        statement()


def test_every_target_of_the_comparison_is_asked_for():
    targets = {(contest.name, ratio.target) for contest in CONTESTS for ratio in contest.ratios if ratio.target}
    assert {
        ("conversion-short", "at least 50"),
        ("conversion-long", "at least 100"),
        ("collatz-step", "at most 1.1"),
        ("collatz-step-tensorflow", "at least 1000"),
        ("first-call", "at most 1.1"),
        ("dispatch", "at most 1.15"),
        ("dispatch of 100", "at most 1.15"),
        ("dispatch of a dict", "at most 1.15"),
        ("conversion-call-tree", "at least 50"),
        ("kernel-gcd", "at most 1.05"),
        ("kernel-gcd", "at most 2"),
        ("kernel-gcd-everybody", "at least 100"),
        ("first-call-gcd", "at most 1.1"),
        ("paper-train-4-batches", "at most 1.05"),
        ("paper-tensorflow-train-4-batches", "at least 1"),
    } <= targets


def test_some_of_many_are_some_that_there_are():
    names = {contest.name for contest in CONTESTS}
    assert {name for some in SOME_OF_MANY.values() for name in some} <= names


def test_a_missed_target_comes_with_what_is_known_of_it():
    machine = Machine()
    ratio = Ratio("own / peer", "own", "peer", at_most=2, why="It waits.")
    contest = machine.contest(machine.contestant("own", 6.0), machine.contestant("peer", 1.0), ratios=(ratio,))
    page = report.as_markdown([measure.run(contest, rounds=1, seconds=0.0)], {})
    assert "| own / peer | 6.00x | at most 2 | 3.00x | It waits. |" in page


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(peers, "load", lambda peer: None)
    absent = {contest.name: list(contest.missing) for group in command.GROUPS.values() for contest in group(TINY)}
    assert absent["conversion-short"] == absent["conversion-long"] == [conversion.TF_AUTOGRAPH, peers.MALT]
    assert absent["collatz-step-tensorflow"] == [collatz.TF_FUNCTION, collatz.TF_COMPILED]
    assert absent["first-call"] == [collatz.TF_FUNCTION]
    assert absent["dispatch"] == [dispatch.TF_FUNCTION]
    assert absent["collatz-step"] == []


def test_a_peer_is_found_by_whether_its_module_is_there(monkeypatch):
    monkeypatch.setitem(peers._MODULES, peers.MALT, "a_module_that_nobody_has")
    assert peers.load(peers.MALT) is None
    assert peers.versions()[peers.MALT] == "not installed"
    monkeypatch.setitem(peers._MODULES, peers.MALT, "json")
    assert peers.load(peers.MALT) is json


def test_versions_are_those_of_the_modules_in_use():
    versions = peers.versions()
    assert versions["JAX"] == jax.__version__
    assert re.match(r"\d+\.\d+", versions["AutoGraph"])


# The programs.


def test_the_short_function_has_what_it_is_said_to_have():
    text = program("tally")
    [definition] = ast.parse(text).body[1:]
    assert definition.end_lineno - definition.lineno + 1 == 17
    found = Counter(type(node) for node in ast.walk(definition))
    assert found[ast.For] == 2
    assert found[ast.Break] == found[ast.Continue] == found[ast.Assert] == found[ast.IfExp] == 1
    assert found[ast.Return] == 2
    assert "print(" in text
    loops = [node for node in ast.walk(definition) if isinstance(node, ast.For)]
    assert loops[1] in ast.walk(loops[0])


@pytest.mark.parametrize(("lines", "exactly"), [(17, 17), (362, 362), (1000, 1007), (3000, 3002)])
@pytest.mark.parametrize("early_returns", [True, False])
def test_the_long_function_has_the_length_that_is_asked_for(lines, exactly, early_returns):
    blocks = long_function.blocks_for(lines)
    text = long_function.source(blocks, early_returns=early_returns)
    assert text.count("\n") == exactly
    [definition] = ast.parse(text).body
    returns = sum(isinstance(node, ast.Return) for node in ast.walk(definition))
    assert returns == (blocks + 1 if early_returns else 1)


def test_the_blocks_of_the_long_function_differ():
    text = long_function.source(24)
    body = text.splitlines()[1:-1]
    size = long_function.LINES_OF_BLOCK
    blocks = {tuple(body[start : start + size]) for start in range(0, len(body), size)}
    assert len(blocks) == 24


@pytest.mark.parametrize("name", ["tally", long_function.NAME])
def test_the_samples_reach_the_end_the_early_return_and_the_assertion(name, workshop):
    source = program("tally") if name == "tally" else long_function.source(4)
    end, early, empty, failing = conversion.behaviour(workshop.function(source, name))
    assert end[1] == ""
    assert "stopped at" in early[1]
    assert empty[1] == ""
    assert failing == ("AssertionError", "")
    assert len({end[0], early[0], empty[0]}) == 3


def test_fresh_functions_are_equal_in_nothing_that_a_cache_could_go_by(workshop):
    one, other = (workshop.function(program("collatz"), "total_steps") for _ in range(2))
    assert one.__code__ != other.__code__
    assert one.__code__.co_filename != other.__code__.co_filename
    assert Path(one.__code__.co_filename).is_file()
    inner_one, inner_other = (
        next(value for name, value in function.__globals__.items() if name.startswith("collatz_"))
        for function in (one, other)
    )
    assert inner_one.__code__ != inner_other.__code__
    assert one(10) == other(10) == 61


@pytest.mark.parametrize("peer", ["autograph", peers.TENSORFLOW, peers.MALT])
def test_each_conversion_is_a_real_one(peer, workshop):
    """A converter that takes a conversion from a cache gives the same code again, with the file that it came from."""
    if peer == "autograph":
        convert = ag.to_graph
    else:
        module = peers.load(peer)
        if module is None:
            pytest.skip(f"{peer} is not installed")
        convert = module.autograph.to_graph if peer == peers.TENSORFLOW else module.to_graph
    text = program("tally")
    converted = [convert(workshop.function(text, "tally")) for _ in range(2)]
    one, other = (getattr(function, "__wrapped__", function).__code__ for function in converted)
    assert one is not other
    assert one.co_filename != other.co_filename


# The quality of the graph, which needs no clock.


def _optimised(workshop: Workshop, name: str, *, converted: bool) -> str:
    function = workshop.function(program(name), "total_steps")
    return jax.jit(ag.convert(function) if converted else function).lower(10).compile().as_text()


def _operations(hlo: str) -> Counter[str]:
    return Counter(re.findall(r"^ +(?:ROOT )?%[\w.\-]+ = (?:\([^)]*\)|\S+) ([\w\-]+)\(", hlo, re.MULTILINE))


def _carried(hlo: str) -> list[int]:
    states = re.findall(r" = (\([^)]*\)) while\(", hlo)
    return sorted(state.count("[]") for state in states)


def test_the_graph_is_no_larger_than_the_hand_written_one(workshop):
    own = _optimised(workshop, "collatz", converted=True)
    by_hand = _optimised(workshop, "collatz_where", converted=False)
    operations, expected = _operations(own), _operations(by_hand)
    assert expected["while"] == 2
    assert operations["while"] == expected["while"]
    assert operations["conditional"] == 0
    assert _carried(own) == _carried(by_hand) == [2, 3]
    assert operations["fusion"] <= expected["fusion"]
    assert operations.total() <= expected.total()


# Measuring.


class Machine:
    """A clock that moves only when a contestant works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.worked: list[str] = []

    def clock(self) -> float:
        return self.now

    def contestant(self, name: str, *seconds: float, answer: Any = 1, work: int = 1, calls: int = 100) -> Contestant:
        takes = itertools.cycle(seconds)

        def statement() -> None:
            self.worked.append(name)
            self.now += next(takes)

        return Contestant(name, lambda _: statement, lambda: answer, work=work, calls=calls)

    def contest(self, *contestants: Contestant, ratios: tuple[Ratio, ...] = (), **options: Any) -> Contest:
        return Contest("test", "A test", "call", contestants, ratios, clock=self.clock, **options)


def test_rounds_are_interleaved_and_rotate():
    machine = Machine()
    contest = machine.contest(*(machine.contestant(name, 1.0) for name in "abc"))
    measure.run(contest, rounds=4, seconds=0.0)
    assert "".join(machine.worked) == "abcbcacababc"


def test_ratios_are_taken_within_a_round():
    machine = Machine()
    # The machine gets slower: the median of one over the median of the other would be as wrong as the drift is large.
    contest = machine.contest(
        machine.contestant("own", 1.0, 10.0, 100.0),
        machine.contestant("peer", 2.0, 20.0, 200.0),
        ratios=(Ratio("peer / own", "peer", "own", at_least=2), Ratio("own / peer", "own", "peer", at_most=0.4)),
    )
    outcome = measure.run(contest, rounds=3, seconds=0.0)
    found = [(ratio.question, spread.median, ratio.is_met(spread.median)) for ratio, spread in outcome.ratios()]
    assert found == [("peer / own", 2.0, True), ("own / peer", 0.5, False)]
    assert outcome.seconds == {"own": [1.0, 10.0, 100.0], "peer": [2.0, 20.0, 200.0]}


def test_calls_are_as_many_as_fill_the_time():
    machine = Machine()
    contest = machine.contest(
        machine.contestant("fast", 0.25),
        machine.contestant("limited", 0.25, calls=4),
        machine.contestant("slow", 7.0),
    )
    outcome = measure.run(contest, rounds=1, seconds=2.5)
    assert outcome.calls == {"fast": 10, "limited": 4, "slow": 1}
    assert outcome.seconds == {"fast": [0.25], "limited": [0.25], "slow": [7.0]}


def test_times_are_per_unit_of_work():
    machine = Machine()
    contest = machine.contest(machine.contestant("own", 6.0, work=3))
    assert measure.run(contest, rounds=2, seconds=0.0).seconds == {"own": [2.0, 2.0]}


def test_a_contestant_that_fails_or_is_wrong_is_named_and_not_timed():
    machine = Machine()

    def fail() -> None:
        raise ValueError("no\nsecond line")

    contest = machine.contest(
        machine.contestant("right", 1.0, answer=3),
        machine.contestant("wrong", 1.0, answer=4),
        Contestant("broken", lambda _: fail, fail),
        ratios=(Ratio("wrong / right", "wrong", "right"),),
    )
    outcome = measure.run(contest, rounds=2, seconds=0.0)
    assert outcome.failed == {"wrong": "gave 4, not 3", "broken": "ValueError: no"}
    assert outcome.seconds == {"right": [1.0, 1.0]}
    assert list(outcome.ratios()) == []
    assert "wrong did not finish: gave 4, not 3" in report.as_markdown([outcome], {})
    assert "| wrong | gave 4, not 3 |" in report.of_contests([outcome])


def test_what_a_peer_says_of_a_program_that_is_not_for_it_is_a_result_and_no_failure():
    machine = Machine()

    def refuse() -> None:
        raise TypeError("in user code:\n\n    File x\n    TypeError: no loops")

    contest = machine.contest(
        machine.contestant("own", 1.0), Contestant("peer", lambda _: refuse, refuse, may_refuse=True)
    )
    outcome = measure.run(contest, rounds=1, seconds=0.0)
    assert (outcome.failed, outcome.refused) == ({}, {"peer": "TypeError: no loops"})
    assert "| peer | TypeError |" in report.of_contests([outcome])
    assert "peer: TypeError: no loops" in report.of_contests([outcome])


def test_a_peer_that_finds_no_answer_is_not_waited_for():
    def search() -> None:
        while True:
            pass

    contest = Contest("test", "", "", [Contestant("peer", lambda _: search, search, may_refuse=True)], patience=0.05)
    assert measure.run(contest, rounds=1, seconds=0.0).refused == {"peer": "TooLong: no answer within 0.05 s"}


def test_a_gain_is_compared_with_a_gain_in_the_same_round():
    machine = Machine()
    takes = {"slow": (8.0, 80.0), "own": (1.0, 10.0), "eager": (6.0, 60.0), "peer": (3.0, 30.0)}
    contestants = [machine.contestant(name, *seconds) for name, seconds in takes.items()]
    ratio = Ratio("gain / gain", "slow", "own", at_least=1, over=("eager", "peer"))
    outcome = measure.run(machine.contest(*contestants, ratios=(ratio,)), rounds=2, seconds=0.0)
    assert [spread.median for _, spread in outcome.ratios()] == [4.0]


def test_spread_is_the_median_the_middle_half_and_the_extremes():
    assert Spread.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(3.0, 2.0, 4.0, 1.0, 5.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("ratio", "value", "met"),
    [
        (Ratio("", "", "", at_least=50), 50.0, True),
        (Ratio("", "", "", at_least=50), 49.9, False),
        (Ratio("", "", "", at_most=1.1), 1.1, True),
        (Ratio("", "", "", at_most=1.1), 1.11, False),
        (Ratio("", "", ""), 3.0, None),
    ],
)
def test_a_target_is_met_or_missed(ratio, value, met):
    assert ratio.is_met(value) is met


# The command.


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """What the command leaves behind, in its smallest form."""
    folder = tmp_path_factory.mktemp("benchmarks") / "new"
    assert command.main(["--scale", "tiny", "--only", "collatz", "--only", "dispatch", "--output", str(folder)]) == 0
    return folder


def test_the_command_writes_every_value(written):
    results = json.loads((written / "results-tiny.json").read_text())
    assert set(results) == {"machine", "versions", "missing", "contests", "ratios", "curves"}
    assert results["versions"]["JAX"] == jax.__version__
    assert results["machine"]["cpu_count"] >= 1
    assert "hostname" not in json.dumps(results["machine"])
    expected = {contest.name for group in ("collatz", "dispatch") for contest in command.GROUPS[group](TINY)}
    assert {contest["name"] for contest in results["contests"]} == expected
    for contest in results["contests"]:
        assert contest["failed"] == {}
        assert contest["contestants"]
        for contestant in contest["contestants"]:
            assert len(contestant["seconds"]) == 1
            assert contestant["seconds"][0] > 0
            assert contestant["work_per_call"] >= 1
    step = next(ratio for ratio in results["ratios"] if ratio["numerator"] == collatz.CONVERTED)
    assert step["met"] == (step["median"] <= 1.1)


def test_the_command_writes_a_table_with_every_ratio(written):
    results = json.loads((written / "results-tiny.json").read_text())
    tables = "".join((written / name).read_text() for name in ("benchmarks.md", report.TIMES))
    for ratio in results["ratios"]:
        assert f"| {ratio['question']} | " in tables
    for contest in results["contests"]:
        assert f"### {contest['title']} ({contest['clock']})" in tables
    for name in results["missing"]:
        assert name in tables
    for line in tables.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 6)


def test_pages_of_stored_values_have_the_targets_and_reasons_of_today(stored, monkeypatch, tmp_path):
    machine, arguments = stored
    ratio = Ratio("own / peer", "own", "peer", at_most=1, why="It waits.")
    contest = machine.contest(machine.contestant("own", 1.0), machine.contestant("peer", 1.0), ratios=(ratio,))
    monkeypatch.setitem(command.GROUPS, "dispatch", lambda scale: iter([contest]))
    assert command.main([*arguments[:-1], "--render"]) == 0
    assert machine.worked.count("own") == 1
    assert "| own / peer | 1.50x | at most 1 | 1.50x | It waits. |" in (tmp_path / "benchmarks.md").read_text()
    [stored_ratio] = json.loads((tmp_path / "results-tiny.json").read_text())["ratios"]
    assert (stored_ratio["met"], stored_ratio["why"]) == (False, "It waits.")


def test_the_command_says_when_a_contestant_failed(monkeypatch, tmp_path, capsys):
    machine = Machine()
    contest = machine.contest(machine.contestant("right", 1.0), machine.contestant("wrong", 1.0, answer=2))
    monkeypatch.setitem(command.GROUPS, "dispatch", lambda scale: iter([contest]))
    assert command.main(["--quick", "--only", "dispatch", "--output", str(tmp_path)]) == 1
    assert "wrong: failed, gave 2, not 1" in capsys.readouterr().err
    results = json.loads((tmp_path / "results-quick.json").read_text())
    assert results["contests"][0]["failed"] == {"wrong": "gave 2, not 1"}
    assert len(results["contests"][0]["contestants"][0]["seconds"]) == 5


def _ratio(
    median: float, better: str = "less", question: str = "own / peer", target: str = "at most 1.1"
) -> dict[str, Any]:
    spread = {"median": median, "quartiles": [median * 0.9, median * 1.1]}
    return {"contest": "test", "question": question, "better": better, "target": target, **spread}


@pytest.mark.parametrize(
    ("before", "now", "is_worse"),
    [
        (_ratio(1.0), _ratio(2.9), False),
        (_ratio(1.0), _ratio(3.2), True),
        (_ratio(0.01), _ratio(0.2), False),
        (_ratio(100.0), _ratio(1.0), False),
        (_ratio(100.0, "greater"), _ratio(40.0, "greater"), False),
        (_ratio(100.0, "greater"), _ratio(35.0, "greater"), True),
        (_ratio(1.0, "greater"), _ratio(0.4, "greater"), False),
        (_ratio(1.0), _ratio(9.0, question="another"), False),
        (_ratio(1.0, target=""), _ratio(9.0, target=""), False),
    ],
)
def test_a_ratio_is_worse_only_beyond_what_a_shared_machine_does_to_it(before, now, is_worse):
    found = check.regressions({"ratios": [before]}, {"ratios": [now]})
    assert bool(found) is is_worse
    assert all("own / peer" in line for line in found.values())


@pytest.fixture
def stored(monkeypatch, tmp_path) -> tuple[Machine, list[str]]:
    """A machine whose contest "own / peer" has been measured as 1.5; the arguments that compare with that."""
    machine = Machine()

    def contests(_: object):
        contestants = machine.contestant("own", *machine.takes), machine.contestant("peer", 2.0)
        yield machine.contest(*contestants, ratios=(Ratio("own / peer", "own", "peer", at_most=2),))

    machine.takes = (3.0,)
    monkeypatch.setitem(command.GROUPS, "dispatch", contests)
    arguments = ["--scale", "tiny", "--only", "dispatch", "--output", str(tmp_path)]
    with pytest.raises(SystemExit):
        command.main([*arguments, "--check"])
    assert command.main(arguments) == 0
    return machine, [*arguments, "--check"]


def test_some_of_the_contests_do_not_take_the_place_of_all_that_are_stored(stored, monkeypatch, tmp_path):
    _, arguments = stored
    monkeypatch.setattr(command, "HERE", tmp_path)
    (tmp_path / "results-tiny.json").write_text("as it was")
    assert command.main(arguments[:4]) == 0
    assert (tmp_path / "results-tiny.json").read_text() == "as it was"


def test_the_command_finds_no_fault_with_what_is_as_before(stored, capsys):
    _, arguments = stored
    assert command.main(arguments) == 0
    assert "no ratio is worse" in capsys.readouterr().out


def test_the_command_fails_where_this_project_has_become_slower(stored, capsys):
    machine, arguments = stored
    machine.takes = (9.0,)
    assert command.main(arguments) == 1
    assert "own / peer: 4.5, and 1.5 before" in capsys.readouterr().out
    assert machine.worked.count("own") == 1 + check.ATTEMPTS


def test_what_disturbs_one_measurement_is_no_fault(stored, capsys):
    machine, arguments = stored
    takes = iter([9.0, 3.0])
    machine.contestant = lambda name, *seconds, make=machine.contestant: make(
        name, *((next(takes),) if name == "own" else seconds)
    )
    assert command.main(arguments) == 0
    assert "measured again: 1" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(Path(command.HERE).glob("results*.json")), ids=lambda path: path.name)
def test_each_target_that_a_stored_run_missed_has_a_reason(path):
    missed = [ratio for ratio in json.loads(path.read_text())["ratios"] if ratio["met"] is False]
    assert [ratio["question"] for ratio in missed if not ratio["why"]] == []


def test_curves_are_drawn_and_put_into_words(tmp_path):
    plot = growth.Plot("a-time", "A title", "iterations", "seconds", {"own": [(1, 0.5), (10, 1.0), (100, 20.0)]})
    assert plot.text == "own: 20 s at 100 iterations, 2.00 times as much for each unit as at 10."
    data, page = tmp_path / "results.json", tmp_path / "docs" / "benchmarks.md"
    report.write([], {}, data, page, [plot])
    assert "![A title](images/a.png)" in page.read_text()
    assert (tmp_path / "docs" / "images" / "a.png").stat().st_size > 1000
    assert json.loads(data.read_text())["curves"][0]["curves"]["own"][2] == [100, 20.0]


def test_programs_of_growing_size_are_what_they_are_said_to_be(workshop):
    for text, by_hand in (
        (growth._nested(3), growth._nested_by_hand(3)),
        (growth._variables(4), growth._variables_by_hand(4)),
        (growth._branches(3), growth._branches_by_hand(3)),
    ):
        function = workshop.function(text, "program")
        assert int(jax.jit(ag.convert(function))(3, 5)) == int(jax.jit(by_hand)(3, 5)) == function(3, 5)


def test_what_grows_faster_than_the_work_misses_a_target():
    machine = Machine()

    def squared(size: int):
        def statement() -> None:
            machine.now += size * size

        return statement

    axis = growth.Axis("growth-test-time", "A test", "items", [1, 2, 4], [growth.Curve(growth.OWN, squared)])
    contest = dataclasses.replace(axis.contest(), clock=machine.clock)
    outcome = measure.run(contest, rounds=2, seconds=0.0)
    [(ratio, spread)] = outcome.ratios()
    assert (spread.median, ratio.is_met(spread.median)) == (2.0, False)
    assert axis.plot(outcome).curves == {growth.OWN: [(1, 1.0), (2, 4.0), (4, 16.0)]}


def test_the_figures_in_the_readme_are_those_that_were_measured(written, tmp_path):
    results = json.loads((written / "results-tiny.json").read_text())
    page = tmp_path / "README.md"
    page.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.write(results, page)
    text = page.read_text()
    assert text.startswith(f"before\n{readme.BEGIN}\n")
    assert text.endswith(f"{readme.END}\nafter\n")
    assert "old" not in text
    [question] = [ratio for ratio in results["ratios"] if ratio["question"] == "A call: ag.function / jax.jit"]
    assert f"| A call: ag.function / jax.jit | {readme._number(question['median'])} |" in text
    assert readme.BEGIN in (Path(readme.__file__).parent.parent / "README.md").read_text()


def test_a_function_with_more_early_returns_than_are_nested_means_the_same(workshop):
    function = workshop.function(long_function.source(long_function.blocks_for(407)), long_function.NAME)
    assert conversion.behaviour(ag.to_graph(function)) == conversion.behaviour(function)
