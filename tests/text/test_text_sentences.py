"""Sentences are found in every script, and a full stop inside one does not end it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_server.text.sentences import End, sentence_end, sentences

SPACED = [
    # abbreviations, initials, titles
    ("Dr. Smith went to Washington.", "He met Mrs. Jones at 5 p.m. on St. James St. near the bank."),
    ("I live in the U.S. and work in the U.K. for a firm.", "It is fun."),
    ("The meeting ends at 5 p.m.", "We go home then."),
    ("He lived in the U.S.", "She did not."),
    ("Tom's at 5:30 p.m. EST.", "Be there."),
    ("Fruits, e.g. apples, i.e. red ones, are good.", "So are pears etc. and plums."),
    ("J. R. R. Tolkien wrote it.", "C. S. Lewis read it."),
    ("George W. Bush spoke.", "John F. Kennedy listened."),
    ("The Ph.D. student spoke.", "The B.A. student did not."),
    ("Apple Inc. and Google Co. Ltd. merged.", "Nobody cared."),
    ("This is No. 5 of vol. 3, pp. 12-14.", "It is vs. the other."),
    ("He said no.", "She said yes."),
    ("See Fig. 3 and Sec. 4.2 for details.", "See also Eq. 5."),
    ("On Jan. 5, 2020 it snowed.", "On Feb. 6 it thawed."),
    ("Plan B failed.", "So did plan C.", "We wept."),
    ("The U.S. Army came.", "The U.N. Council sat."),
    ("The bill from the accts. department came.", "It was late."),
    ("Yahoo! is a company.", "It was big."),
    # numbers, versions, addresses, files
    ("Pi is 3.14159.", "Version 2.0.1 is out."),
    ("It costs $3.50.", "That is 1,234.5 % more."),
    ("IP 192.168.0.1 is local.", "Ports follow."),
    ("I have 3 cats.", "2 dogs live here too."),
    ("1. First do this.", "2. Then do that.", "3. Done."),
    ("Go to https://example.com/a.b?c=d.", "Then click."),
    ("Mail me at john.doe@example.co.uk.", "Thanks!"),
    ("Open the file README.md.", "Then run setup.py now."),
    ("Node.js and ASP.NET are popular.", "So is Vue.js."),
    # marks that do and do not end
    ("Wait... what?", "I do not know...", "Really."),
    ("What?!", "No way!!!", "Stop."),
    ("Great!😀", "Next one."),
    ("He did it.[1]", "She did not.[2]", "Fine."),
    ("The end.", "—Next he spoke."),
    # quotes and brackets
    ('He said, "Hello."', "She smiled."),
    ('"Are you sure?" she asked.', '"Yes!" he said.'),
    ("“Really?” he asked.", "“I think so.”", "They left."),
    ("'I can't,' he said.", "'You must.'"),
    ("(This is in brackets.)", "This is not."),
    ("(He came at 5 p.m.)", "John left."),
    ("He left (at 5 p.m.).", "She stayed."),
    ("Er sagte: „Hallo.“", "Sie ging."),
    ("Elle dit : « Bonjour. »", "Puis elle part."),
    # all in small letters
    ("i like tea.", "she likes coffee e.g. black.", "we both like cake!", "ok?"),
    # other languages
    ("안녕하세요.", "오늘 기온은 3.5도입니다!", "네."),
    ("मैं घर जा रहा हूँ।", "डॉ. शर्मा कहाँ हैं?", "ठीक है।"),
    ("কেমন আছো?", "আমি ভালো আছি।"),
    ("كيف حالك؟", "أنا بخير.", "شكرا!"),
    ("آپ کیسے ہیں؟", "میں ٹھیک ہوں۔", "شکریہ۔"),
    ("Ինչպե՞ս ես։", "Լավ եմ։"),
    ("ሰላም ነው።", "እንዴት ነህ፧", "ደህና ነኝ።"),
    ("Γεια σου.", "Τι κάνεις;", "Καλά."),
    ("Привет, мир.", "Как дела?", "Хорошо, т.е. нормально и т.д. и т.п. всегда."),
    ("А. С. Пушкин родился в 1799 г. в Москве.", "Он поэт."),
    ("Das ist z.B. gut, d.h. sehr gut.", "Am 3. Oktober ist der 1. Preis fällig.", "Ja."),
    ("M. Dupont est là.", "Mme. Durand aussi.", "Où est-il ?", "Ici !"),
    ("¿Cómo estás?", "¡Muy bien!", "El Sr. López y la Sra. Ruiz también."),
    ("Il sig. Rossi è qui.", "La dott.ssa Bianchi no."),
    ("ཁྱེད་རང་བདེ་པོ་ཡིན་པས།", "ང་བདེ་པོ་ཡིན།"),
    ("နေကောင်းလား။", "ကောင်းပါတယ်။"),
    ("សួស្តី។", "អ្នកសុខសប្បាយទេ?"),
    ("Hello world.", "你好世界。", "How are you?"),
]

CITY = "We drove the whole night until at last we reached the city of\nLondon by dawn."
SEA = "他们在那个漫长的夏天里一起走过了许多城市和村庄，最后终于来到了海\n边的小镇。"

UNSPACED = [
    ("你好世界。", "今天天气很好！", "你呢？"),
    ("他说：“你好。”", "她笑了。"),
    ("“真的吗？”他问。", "“是的。”"),
    ("价格是3.5元。", "不贵。"),
    ("我……不知道。", "OK!", "好的。"),
    ("今日はいい天気ですね。", "散歩に行きましょう！", "はい。"),
    ("「本当に？」と彼は言った。", "「はい。」"),
    ("「行く。」と言った。", "彼は去った。"),
    ("（注意！）", "「行け。」"),
]


@pytest.mark.parametrize("expected", SPACED, ids=lambda s: s[0][:24])
def test_sentences_divided_by_spaces_are_found(expected: tuple[str, ...]) -> None:
    assert list(sentences(" ".join(expected))) == list(expected)


@pytest.mark.parametrize("expected", UNSPACED, ids=lambda s: s[0][:24])
def test_sentences_that_follow_each_other_without_a_space_are_found(expected: tuple[str, ...]) -> None:
    assert list(sentences("".join(expected))) == list(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A Heading\nThen the text.", ["A Heading", "Then the text."]),
        ("- milk\n- eggs\n- bread", ["- milk", "- eggs", "- bread"]),
        ("1. Milk\n2. Eggs", ["1. Milk", "2. Eggs"]),
        ("This prose was\nwrapped to a width.\nIt has two sentences.", ["This prose was\nwrapped to a width.", "It has two sentences."]),
        ("We met old Mr.\nSmith there.", ["We met old Mr.\nSmith there."]),
        (CITY, [CITY]),
        (SEA, [SEA]),
        ("第一章\n天气很好。", ["第一章", "天气很好。"]),
        ("One\n\nTwo", ["One", "Two"]),
        ("No end[pause:1s]here", ["No end", "here"]),
        ("", []),
        ("\n\n[pause:1s]\n", []),
    ],
)  # fmt: skip
def test_a_line_ends_a_sentence_unless_prose_was_wrapped_there(text: str, expected: list[str]) -> None:
    assert list(sentences(text)) == expected


def test_what_follows_a_cut_is_not_taken_for_the_writing_of_someone_who_uses_no_capitals() -> None:
    rest = "which the accts. department sent."
    assert sentence_end(rest, 0, 100) == (16, End.MARK)
    assert sentence_end(rest, 0, 100, whole=False) == (len(rest), End.MARK)


def test_a_sentence_without_end_comes_in_pieces() -> None:
    pieces = list(sentences("x" * 2500, longest=1000))
    assert [len(piece) for piece in pieces] == [1000, 1000, 500]


@settings(deadline=None, max_examples=300)
@given(st.text(st.one_of(st.sampled_from(".!?…。！”\") \n;,'’aB5你é💚["), st.characters(codec="utf-8"))))
def test_nothing_is_lost_whatever_the_text(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
