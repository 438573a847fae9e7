"""What master and workers tell each other arrives as it was sent."""

from __future__ import annotations

from lgprof.load import messages as wire
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan
from lgprof.run.options import RunOptions
from lgprof.target import Inputs


def test_an_order_arrives_as_it_was_sent() -> None:
    request = RunOptions(context={"user": "ü"}, config={"tags": ["a"]}, resumes=[1, None])
    plan = TestPlan(LoadOptions(request=request), FleetOptions())
    setup = plan.setup(0, Inputs([{"i": "{{i}}"}], "here"), b"\x00salt")
    received = wire.decode(wire.body_of(wire.envelope(setup)), wire.Setup)
    assert received == setup
    assert RunOptions(**received.request, failed_when=None) == request


def test_text_that_no_encoding_has_costs_no_message() -> None:
    refusal = wire.Refusal("UsageError", "bad \ud800 text", None, "also \udfff")
    received = wire.decode(wire.encode(refusal), wire.Refusal)
    assert received == wire.Refusal("UsageError", "bad ? text", None, "also ?")
    setup = TestPlan(LoadOptions(), FleetOptions()).setup(
        0, Inputs([{"\ud800": ["\ud801", 2]}], "here"), b"\xff"
    )
    received_setup = wire.decode(wire.encode(setup), wire.Setup)
    assert (received_setup.inputs, received_setup.salt) == ([{"?": ["?", 2]}], b"\xff")


def test_what_is_none_of_ours_has_no_body() -> None:
    assert [wire.body_of(data) for data in (None, {}, {"body": 3}, "x")] == [b""] * 4
