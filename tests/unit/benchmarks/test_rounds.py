from benchmarks.rounds import interleave


def test_contenders_take_turns_and_the_order_is_turned_around() -> None:
    order: list[str] = []

    def contender(name: str) -> float:
        order.append(name)
        return 1.5

    told: list[str] = []
    interleave({"floor": lambda: contender("floor"), "mesh": lambda: contender("mesh")}, 3, told.append)
    assert order == ["floor", "mesh", "mesh", "floor", "floor", "mesh"]
    assert told[2] == "round 2 of 3, mesh: 1.5 s"
