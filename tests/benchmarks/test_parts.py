from benchmarks.parts import Mark, Parts, parts_of


def test_the_parts_of_a_run_add_up() -> None:
    marks = [
        Mark(kind="ApiRequest", start=0.2, end=0.25),
        Mark(kind="ExecRequest", start=0.3, end=0.6),
        Mark(kind="ExecRequest", start=0.31, end=0.7),
        Mark(kind="ApiRequest", start=0.7, end=0.75),
    ]
    found = parts_of(marks, 0.8)
    assert [round(seconds, 3) for seconds in whole(found)] == [0.2, 0.1, 0.4, 0.1]
    assert round(sum(whole(found)), 3) == 0.8


def whole(parts: Parts) -> tuple[float, ...]:
    return (parts.importing, parts.asking, parts.nodes, parts.answering)
