from benchmarks.calm import parse_stat

STAT = "cpu  100 20 30 1000 40 5 6 7 0 0\ncpu0 50 10 15 500 20 2 3 4 0 0\n"


def test_idle_and_waiting_for_the_disk_are_rest() -> None:
    busy, all_ = parse_stat(STAT)
    assert all_ == 1208
    assert busy == all_ - 1040
