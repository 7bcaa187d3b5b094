"""Texts with the markup of forums, wikis, chats, documents and e-mail, and their plain text: (text, plain text)."""

from __future__ import annotations

IN_WORDS: list[tuple[str, str]] = [
    ("an un*fold*ing story", "an unfolding story"),
    ("walk*s*, *un*likely, inter*nation*al, colo*u*r", "walks, unlikely, international, colour"),
    ("не*вероят*но", "невероятно"),
    ("a snake_case_name and _so_", "a snake_case_name and so"),
]

LATEX_TEXT: list[tuple[str, str]] = [
    (r"A \textbf{dark \emph{and} stormy} night", "A dark and stormy night"),
    (r"{\bf Theorem} and {\it so on}", "Theorem and so on"),
    ("\\section{Results}\nWe won.", "Results.\n\nWe won."),
    (r"A claim~\cite{a,b}, see Section~\ref{sec:x}.\label{y}", "A claim, see Section."),
    (r"It works \citep[p.~3]{x}.", "It works."),
    (r"Water\footnote{Mostly.} boils.", "Water (Mostly.) boils."),
    ("\\begin{itemize}\n\\item Tea\n\\item Milk\n\\end{itemize}\nDone", "Tea.\nMilk.\n\nDone"),
    (r"20\% of Q\&A for \$3 in my\_var \#2", "20% of Q&A for $3 in my_var #2"),
    (r"Prof.~Lee, pages 3--7, he said---twice---no", "Prof. Lee, pages 3–7, he said—twice—no"),
    ("He wrote ``yes'' and ``no''.", "He wrote “yes” and “no”."),
    (r"\textcolor{red}{Stop} and \href{https://a.b}{go}", "Stop and go"),
    (r"\LaTeX{} and \TeX\ are \ldots old", "LaTeX and TeX are … old"),
    (r"M\"uller, Erd\H{o}s, ni\~no, \'{e}t\'{e}, gar\c{c}on", "Müller, Erdős, niño, été, garçon"),
    (r"The angle \alpha and \frac{1}{2}", "The angle α and 1 over 2"),
    (r"\text{speed} is \mathrm{m}", "speed is m"),
    (r"so on\ldots, 5\degree C", "so on…, 5° C"),
    ("\\begin{tabular}{l|r}\nA & B \\\\ \\hline\n1 & 2 \\\\\n\\end{tabular}", "A, B.\n1, 2."),
    ("\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n\\begin{document}\nHi\n\\end{document}", "Hi."),
]

BBCODE: list[tuple[str, str]] = [
    ("[B]Read[/B] the [i]rules[/i], [u]all[/u] [s]some[/s]", "Read the rules, all some"),
    ("[url=https://a.b/c_d]here[/url] or [url]https://a.b[/url]", "here or https://a.b"),
    ("[img]https://a.b/c.png[/img]A cat [img width=20]x[/img]", "A cat"),
    ("[quote=Ann, post:3]It rains[/quote]I agree", "It rains.\nI agree"),
    ("[color=#ff0000]red[/color] [size=150]big[/size] [font=Arial]x[/font]", "red big x"),
    ("Buy\n[list]\n[*]tea\n[*]milk\n[/list]", "Buy.\ntea.\nmilk."),
    ("[b]Note: it is [i]so[/i]", "Note: it is so"),
    ("[00:12.50]Hello [00:15.00]you", "Hello you"),
    ("[code]a[i] = *b*[/code]", "a[i] = *b*."),
    ("[spoiler]She wins[/spoiler] [center]End[/center]", "She wins.\nEnd."),
]

WIKI: list[tuple[str, str]] = [
    ("'''Oslo''' is ''the'' capital, '''''really'''''.", "Oslo is the capital, really."),
    ("'''bold ''both''''' end", "bold both end"),
    ("It fell {{convert|3|ft|m}}{{cite|{{a}}|b}}.", "It fell."),
    ("Hello {{user}}, hi", "Hello, hi"),
    ("== Life ==\nShe[[Human|lived]] in [[Rome]].", "Life.\nShelived in Rome."),
    ("[[File:a.jpg|thumb|left|The [[Rhine]] at night]]\nText", "The Rhine at night.\n\nText"),
    ("[[Image:a.jpg|200px]]Text[[Category:Rivers]]", "Text"),
    ("Look ![[cat.png]] here", "Look here"),
    ("See [https://a.b the site] and __NOTOC__ it.", "See the site and it."),
    ('It is so.<ref name="x">Smith</ref> Yes<ref name=y/>', "It is so. Yes"),
    ('{| class="wikitable"\n! A !! B\n|-\n| 1 || 2\n|-\n| style="x" | 3\n| 4\n|}', "A, B.\n1, 2.\n3, 4."),
]

CHAT: list[tuple[str, str]] = [
    ("<@U04AB>, <@!1234> and <@U1|ann> in <#C12|general>", ", and ann in general"),
    ("Read <https://a.b/c|the guide> or <mailto:a@b.c|write>", "Read the guide or write"),
    ("<!here> <!subteam^S12|@ops> look", "here @ops look"),
    ("Nice <:party:123456> <a:wave:99999> at <t:1618953630:R>!", "Nice at!"),
    (":wave: Hello :slightly_smiling_face:, done :+1::skin-tone-2:!", "Hello, done!"),
    ("She is ||the thief||, ~not~ now, _maybe_ *so*", "She is the thief, not now, maybe so"),
    ("-# small print", "small print"),
    (">!he lives!< they say", "he lives they say"),
    ("```\n$ ls\n>>> a\n```\n$ pwd", "ls\na.\npwd"),
    ("h2. Goals\n{color:red}now{color} [site|https://a.b] !cat.png!", "Goals.\nnow site"),
]

RESTRUCTURED: list[tuple[str, str]] = [
    (':::tip\nDrink\n:::\n!!! note "Rest"\nwell', "Tip.\nDrink\n\nRest.\nwell"),
    ("Tea\n: a drink", "Tea\na drink"),
    ("[TOC]\n# One", "One."),
    ("See :ref:`the guide <guide>`, :class:`~a.b.Shape` and ``x*y``.", "See the guide, Shape and x*y."),
    ("The `docs <https://a.b>`_ and `other`_ pages", "The docs and other pages"),
    (".. note::\n\nMind the gap.", "Note.\n\nMind the gap."),
    (".. warning:: Hot!", "Warning: Hot!"),
    (".. image:: a.png\n:alt: A cat\n:width: 20\n\nText", "Text"),
    (".. code-block:: python\n\nx = 1", "x = 1"),
    (".. _top:\n\nTitle\n~~~~~\nIt shows::\n\nx", "Title.\n\nIt shows:\n\nx"),
    ("====\nName\n====\nPart\n^^^^\ntext", "Name.\n\nPart.\n\ntext"),
    (".. versionadded:: 2.1\n:Author: Ann\n:param x: the size", "New in version 2.1\nAuthor: Ann\nparam x: the size"),
]

TABLES: list[tuple[str, str]] = [
    ("| a | | c |\n|:-:|:--|--:|\n| | x \\| y | `p\\|q` |", "a, c.\nx | y, p|q."),
    ("a | b\n:-- | --:\n| 2\n3 |", "a, b.\n2.\n3."),
]

MAIL: list[tuple[str, str]] = [
    ("> > > first\n> > second\n> third", "first\nsecond\nthird"),
    ("On Mon, Ann Lee <ann@a.b> wrote:\n> Hi", "On Mon, Ann Lee wrote:\nHi"),
    ("Am Montag schrieb Ann <ann@a.b>:\n> Hi", "Am Montag schrieb Ann:\nHi"),
    ("Bye\n\n--\nAnn", "Bye\n\nAnn"),
    ("-----Original Message-----\nFrom: Ann", "Original Message.\nFrom: Ann"),
    ("---------- Forwarded message ---------\nHi", "Forwarded message.\nHi"),
]

UNCHANGED: list[str] = [
    "width*height*depth, x*pi*r, a*b*c and 2*3*4",
    "m*therf*cker and b*llsh*t",
    r"C:\temp\new, D:\item\section and C:\Users\text{x}",
    r"say \"a\" and don\'t, it\'s, y\'all, l\'amour",
    "as in [1], [b], [s], [url] and [list], a[i] + b[u]",
    "[sic] [laugh] [pause:1s] [Music]",
    "at 10:30:45, a:b:c, Note: this, std::vector::size",
    "if (a || b) and c||d||e",
    "~5 minutes or ~6, 5~10, HEAD~1, ~/bin and ~/lib",
    "a 5'' by 7'' pipe, x = '' or y = ''",
    "the map {a: {b: 1}}",
    "5 * 3",
    "use {code} and {note} here, wow!a.b!",
    "$ 5 and $HOME",
    "wait.. what, and so.. on",
    "John <john@example.org> said",
    "git log --oneline -- file",
]

UNPAIRED: list[tuple[str, str]] = [
    ("a **bold claim and __more of it", "a bold claim and more of it"),
    ("a claim** and `code", "a claim and code"),
    ("The price* is low.", "The price is low."),
    ("5 * 3", "five times three"),
]
"""(text, words): the result of the whole front end, not of the markup reader alone."""

ALL = [*IN_WORDS, *LATEX_TEXT, *BBCODE, *WIKI, *CHAT, *RESTRUCTURED, *TABLES, *MAIL]
