import pytest

from benchmarks.figures import (
    Run,
    compare,
    middle,
    show_bytes,
    show_ratio,
    show_seconds,
    table,
)


def test_each_figure_has_its_own_median() -> None:
    runs = [Run(3.0, 100, 1, 3), Run(1.0, 300, 1, 3), Run(2.0, 200, 1, 4)]
    assert middle(runs) == Run(2.0, 200, 1, 3)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (200 << 10, "200 KiB"), (3 << 20, "3.0 MiB")],
)
def test_bytes(count: int, text: str) -> None:
    assert show_bytes(count) == text


def test_seconds_and_ratios() -> None:
    assert show_seconds(0.347) == "0.35 s"
    assert show_seconds(1800) == "30.0 min"
    assert show_ratio(10, 2) == "5.0x"
    assert show_ratio(1_500_000, 1000) == "1,500x"
    assert show_ratio(1, 2) == "0.5x"
    assert show_ratio(1, 0) == "-"


def test_tables_line_up() -> None:
    rows = [["", "loop", "ratio"], ["wall time", "1.00 s", "2.0x"]]
    assert table(rows) == "             loop  ratio\nwall time  1.00 s   2.0x"
    assert table(rows, markdown=True).splitlines() == [
        "|           |   loop | ratio |",
        "| --------- | -----: | ----: |",
        "| wall time | 1.00 s |  2.0x |",
    ]


def test_a_comparison_names_what_is_compared() -> None:
    rows = compare("3 nodes", Run(1.0, 3 << 20, 3, 3), Run(0.5, 3 << 10, 1, 3))
    assert [row[0] for row in rows] == [
        "3 nodes, wall time",
        "3 nodes, bytes from nodes",
        "3 nodes, commands typed",
    ]
    assert [row[-1] for row in rows] == ["2.0x", "1,024x", "3.0x"]
