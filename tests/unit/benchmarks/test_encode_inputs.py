import io
from pathlib import Path

import pytest
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

from benchmarks.benchmark import NotComparable
from benchmarks.encode import padding, pictures, texts
from benchmarks.encode.deal import Deal


def _words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({"one": 0, "two": 1, "three": 2}))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def test_docstrings_are_different_texts_of_mixed_length() -> None:
    found = texts.docstrings(300)
    lengths = [len(text.split()) for text in found]
    assert len(set(found)) == len(found) >= 300
    assert min(lengths) < 5 < 50 < max(lengths)


def test_texts_are_cut_after_their_last_token_and_alike_ones_dropped() -> None:
    found = texts.cut(["one two", "one two three", "one  two two", ""], _words(), 2)
    assert found == ["one two", "one  two"]


def test_drawn_pictures_are_different_files_of_one_size() -> None:
    drawn = pictures.draw(3)
    assert len(set(drawn)) == 3
    assert {Image.open(io.BytesIO(file)).size for file in drawn} == {(340, 500)}


def test_pictures_of_a_folder_are_taken_evenly_and_each_content_once(tmp_path: Path) -> None:
    for name, content in (("a.jpg", b"1"), ("b.JPG", b"1"), ("c.png", b"2"), ("d.webp", b"3"), ("notes.txt", b"4")):
        (tmp_path / name).write_bytes(content)
    assert pictures.read(tmp_path, 10) == [b"1", b"2", b"3"]
    assert pictures.read(tmp_path, 2) == [b"1", b"2"]


def test_no_input_is_in_two_sets_and_all_hold_the_same_work() -> None:
    deal = Deal(list(range(1000)), 100, 10, lambda number: number)
    sets = [deal.next() for _ in range(10)]
    assert sorted(number for each in sets for number in each) == list(range(1000))
    assert max(map(sum, sets)) - min(map(sum, sets)) < 1000
    assert not deal.repeated


def test_sets_that_are_dealt_again_are_told() -> None:
    deal = Deal(list(range(25)), 10, 5, lambda number: number)
    first, _, third = deal.next(), deal.next(), deal.next()
    assert third == first
    assert deal.repeated


def test_too_few_inputs_for_a_set_are_refused() -> None:
    with pytest.raises(NotComparable, match="9 different inputs are too few for a set of 10"):
        Deal(list(range(9)), 10, 1, lambda number: number)


def test_padding_is_what_was_counted_between_two_readings() -> None:
    template = "# HELP x\nmodalmesh_encoder_computed_tokens_total {}\nmodalmesh_encoder_real_tokens_total {}\n"
    before, after = padding.parse(template.format("100.0", "90.0")), padding.parse(template.format("1.3e+03", "1090.0"))
    assert padding.ratio(before, after) == pytest.approx(1.2)
    assert padding.ratio({}, padding.parse("")) is None
