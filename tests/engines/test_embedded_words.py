"""Words of the embedded voice: no word is replaced by another, words in capitals are read as words, sentences end only at their marks."""

from __future__ import annotations

import pytest

from tts_server.engines.embedded.reader import Reader
from tts_server.text.phonemes import phoneme_span

NO, NUMBER = "nˈO", "nˈʌmbəɹ"
LETTER_A, ARTICLE = "ˈA", "ɐ"


def spoken(reader: Reader, text: str) -> str:
    return " ".join(reader.phonemes(text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("She said no.", "no"),
        ('He said "no."', "no"),
        ("I looked at the Sun.", "sun"),
        ("I ate a fig.", "fig"),
        ("I met Jan.", "Jan"),
        ("My friend is called Mar.", "Mar"),
        ("We like Gen Z.", "Gen"),
        ("Look at Col B.", "Col"),
        ("They heard Rev A.", "Rev"),
        ("That is the est.", "est"),
        ("They had to go and Wash.", "wash"),
        ("He went to Mass.", "mass"),
        ("It was a hit and a Miss.", "miss"),
    ],
)
def test_a_word_that_could_be_an_abbreviation_stays_that_word(reader, hibari, text, word):
    assert hibari(word, normalize_text=False) in spoken(reader, text).replace(".", "").split()


@pytest.mark.parametrize("noun", "part chapter section book class level round type stage phase grade article volume Henry".split())
def test_the_pronoun_i_is_no_numeral(reader, noun):
    for text in (f"The {noun} I like best", f"The {noun} I've read"):
        assert "wˈʌn" not in spoken(reader, text)
        assert "zˈɪɹO" not in spoken(reader, text)
        assert "fˈɜɹst" not in spoken(reader, text)


@pytest.mark.parametrize(
    ("letters", "phonemes"),
    [
        ("F B I", "ˌɛfbˌiˈI"),
        ("U S", "jˌuˈɛs"),
        ("A T M", "ˌAtˌiˈɛm"),
        ("P M", "pˌiˈɛm"),
        ("A I", "ˌAˈI"),
        ("C D's", "sˌidˈiz"),
        ("X S's", "ˌɛksˈɛsᵻz"),
    ],
)
@pytest.mark.parametrize("frame", ["{}", "They saw {} again.", "This is {}.", "({}), then"])
def test_letters_divided_by_spaces_are_said_as_one_initialism(reader, letters, phonemes, frame):
    assert phonemes in spoken(reader, frame.format(letters))


def test_a_long_row_of_letters_is_said_letter_by_letter(reader):
    assert spoken(reader, "A B C D E F G").split() == ["ˈA", "bˈi", "sˈi", "dˈi", "ˈi", "ˈɛf", "ʤˈi"]


@pytest.mark.parametrize(
    "text",
    [
        "vitamin A",
        "Vitamin A is good.",
        "Vitamin A Deficiency",
        "The A team won.",
        "I got an A.",
        "an A grade",
        "a straight A student",
        "plan A or plan B",
        "section A, part B",
        "the letter A",
        "A is for apple.",
        "A or B",
        "A, B and C",
        "an A plus grade",
        'the "A" team',
        "the 'A' list",
    ],
)
def test_the_letter_a_has_its_name(reader, text):
    words = spoken(reader, text).replace("“", "").replace("”", "").replace('"', "").rstrip(".").replace(",", "").split()
    assert LETTER_A in words


@pytest.mark.parametrize(
    "text", ["A man came.", "Once Upon A Time", '"A dog," he said.', "Note: A test.", "(A test)", "No. A man.", "A U S B stick"]
)
def test_the_article_a_is_weak(reader, text):
    words = spoken(reader, text).replace("(", "").replace('"', "").replace("“", "").split()
    assert ARTICLE in words
    assert LETTER_A not in words


@pytest.mark.parametrize(
    ("shouted", "plain"),
    [
        ("HE SAID IT WAS HIS", "he said it was his"),
        ("SHE HAD MY BOOK BUT WE GO BY BUS", "she had my book but we go by bus"),
        ("WHO TOLD US THIS AT NOON", "who told us this at noon"),
        ("BUT this is MY house", "but this is my house"),
    ],
)
def test_words_in_capitals_are_read_as_words(reader, shouted, plain):
    letters = "ˌˈ"
    assert spoken(reader, shouted).translate(dict.fromkeys(map(ord, letters))) == spoken(reader, plain).translate(
        dict.fromkeys(map(ord, letters))
    )


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("IKEA", "ˌIkˈiə"),
        ("Ikea's", "ˌIkˈiəz"),
        ("JSON", "ʤˈAsən"),
        ("NASA", "nˈæsə"),
        ("FIFA", "fˈifə"),
        ("RAM", "ɹˈæm"),
        ("NOAA", "nˈOə"),
    ],
)
def test_acronyms_that_are_words_are_said_as_words(reader, word, phonemes):
    assert phonemes in spoken(reader, f"She talked about {word} again.").split()


@pytest.mark.parametrize(("initialism", "phonemes"), [("MIT", "ˌɛmˌItˈi"), ("IT", "ˌItˈi"), ("US", "jˌuˈɛs"), ("UN", "jˌuˈɛn")])
def test_initialisms_in_ordinary_sentences_are_spelled(reader, initialism, phonemes):
    assert phonemes in spoken(reader, f"She went to the {initialism} office again.")


@pytest.mark.parametrize(
    "text",
    [
        "We met on Oct. 5 in the park.",
        "Smith et al. said so.",
        "It weighs approx. 5 pounds.",
        "See Fig. 3 for it.",
        "Ask Dr. Smith about it.",
        "J.K. Rowling wrote it.",
        "Read vol. 2 of it.",
        "He lives at Apt. 4 now.",
    ],
)
def test_no_sentence_ends_after_an_abbreviation(reader, text):
    parts = reader.phonemes(text)
    assert len(parts) == 1
    assert parts[0].count(".") == 1


@pytest.mark.parametrize("text", ["I met Jan. ", "I got an A.", "She is Dr.", "They call it B!", "Is it plan A?"])
def test_the_mark_that_ends_a_sentence_is_kept(reader, text):
    assert spoken(reader, text)[-1] == text.strip()[-1]


def test_each_sentence_is_a_part_of_its_own(reader):
    assert len(reader.phonemes("One came. Two went! Who stayed? Nobody…\n\nThen it rained.")) == 5


def test_spaces_before_marks_and_none_after_them_change_nothing(reader):
    assert spoken(reader, "He left , she stayed .") == spoken(reader, "He left, she stayed.")
    assert spoken(reader, "He left ,she stayed.") == spoken(reader, "He left, she stayed.")


@pytest.mark.parametrize("text", ["don't we’ll they're I’m", "It’s the dog’s bone"])
def test_curly_apostrophes_are_read_as_straight_ones(reader, text):
    assert spoken(reader, text) == spoken(reader, text.replace("’", "'"))


def test_a_word_with_a_pronunciation_is_said_so(reader):
    gif = phoneme_span("GIF", "dʒɪf")
    assert spoken(reader, f"The {gif} moved.") == "ðə ʤˈɪf mˈuvd."
    assert spoken(reader, f"{gif}") == "ʤˈɪf"
    assert spoken(reader, f"{gif}'s, {gif}s.") == "ʤˈɪfs, ʤˈɪfs."


def test_words_around_a_pronunciation_are_read_as_without_it(reader):
    whole = spoken(reader, "They read the apple in a live record.")
    assert spoken(reader, f"They read the {phoneme_span('apple', 'ˈæpəl')} in a live record.") == whole.replace("ˈæpᵊl", "ˈæpəl")


def test_pronunciations_keep_their_order_over_sentences(reader):
    spans = [phoneme_span("Word", ipa) for ipa in ("bæt", "kæt", "hæt")]
    assert spoken(reader, f"{spans[0]} came. Dr. {spans[1]} went; {spans[2]} stayed.") == "bˈæt kˈAm. dˈɑktəɹ kˈæt wˈɛnt; hˈæt stˈAd."
    assert len(reader.phonemes(f"I asked Dr. {spans[0]} about it.")) == 1


def test_a_word_whose_pronunciation_has_no_sound_is_read_as_written(reader):
    assert spoken(reader, f"The {phoneme_span('cat', '...')} sat.") == spoken(reader, "The cat sat.")


@pytest.mark.parametrize("text", ["[cat](/dɔɡ/)", "[cat](/" + "a" * 4000 + "/)", "[](//)", "[a](/\ue000/)", "](](](" * 500])
def test_markup_of_phonemes_in_a_raw_text_sets_no_phonemes(reader, text):
    assert len(spoken(reader, text)) <= 12 * len(text) + 40
    assert spoken(reader, "[cat](/dɔɡ/)").startswith("(kˈæt)")


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [("Привет", "pɹˈɪvət"), ("naïve café", "nIˈiv kæfˈA"), ("Hello。World！", "həlˈO. wˈɜɹld!"), ("ＨＥＬＬＯ", "həlˈO")],
)
def test_other_letters_and_marks_are_read(reader, text, phonemes):
    assert spoken(reader, text) == phonemes


@pytest.mark.parametrize("text", ["", " ", ".", "…", "?!", "★★★", "😀", "◇ ◇ ◇", "-----", "\u2965" * 1000, "()", '""'])
def test_a_text_without_sound_has_no_phonemes(reader, text):
    assert reader.phonemes(text) == []
    assert not reader.has_sound(text)


@pytest.mark.parametrize("text", ["a", "I", "%", "$", "⅓", "5", "é", "Ω", "你好", "... a", phoneme_span("x", "a")])
def test_a_text_with_a_sound_is_known_to_have_one(reader, text):
    assert reader.has_sound(text)
    assert reader.phonemes(text)
