"""Every word, mark, slot and form token is one token, and any name can be read."""

import pytest
from .words_material import LEXICON, VOCABULARY, pairs, reader

from lineside_training.words import tokenizer


def test_a_piece_is_one_token_and_any_text_comes_back_as_it_was():
    made = reader()
    tokenizer.prove(made, LEXICON)
    assert made.get_vocab_size() == VOCABULARY
    for text in (*(prompt for prompt, _ in pairs()), " ΔP напор 圧力 l/min °c", " rosette theory fellow"):
        assert made.decode(made.encode(text).ids, skip_special_tokens=False) == text


def test_no_token_that_is_said_holds_a_digit():
    words, marks = tokenizer.lexicon(LEXICON)
    said = tokenizer.Speller(reader(), LEXICON).tokens([*words, *marks])
    assert not any(any(map(str.isdigit, reader().id_to_token(token))) for token in said)


def test_a_word_of_several_parts_is_refused_by_name():
    with pytest.raises(ValueError, match="re-rose"):
        tokenizer.train(LEXICON.replace('"moved"', '"moved", "re-rose"'), ["<p.text>"], VOCABULARY)
