"""How far downloads are, as the meter counts and tells it."""

from __future__ import annotations

import io
import threading

from c4pipe.commoncrawl.progress import Meter


def test_meter_expects_of_the_others_what_it_saw() -> None:
    meter = Meter(4, io.StringIO())
    assert meter.expected_bytes() is None
    meter.received("a", 10, 100)
    meter.received("b", 10, None)
    assert meter.expected_bytes() == 400
    meter.received("b", 300, 300)
    assert meter.expected_bytes() == 800
    meter.finished("c")
    assert (meter.state(), meter.done) == ("1/4 files", 1)


def test_meter_writes_a_line_now_and_then() -> None:
    talk = io.StringIO()
    meter = Meter(2, talk, line_every_seconds=0.0)
    meter.received("a", 1_500_000, 3_000_000)
    meter.finished("a")
    first, second = talk.getvalue().splitlines()
    assert first.startswith("0/2 files, 1.5 MB, ")
    assert second.startswith("1/2 files, 1.5 MB, ")


def test_meter_takes_many_threads() -> None:
    meter = Meter(8, io.StringIO())

    def tell(file: str) -> None:
        for here in range(1, 501):
            meter.received(file, here, 500)
        meter.finished(file)

    threads = [threading.Thread(target=tell, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (meter.done, sum(meter.here.values()), meter.expected_bytes()) == (8, 4000, 4000)
