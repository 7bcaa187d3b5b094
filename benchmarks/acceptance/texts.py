"""What is spoken: sentences of 13 languages without digits, texts that are hard to say, and prose."""

from __future__ import annotations

from benchmarks.texts import Writer

SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "The birch canoe slid on the smooth planks.",
        "She measured three cups of flour and two large brown eggs.",
        "When the storm finally passed, the beach was full of broken branches.",
        "The museum opens early, but the garden behind it is open all day long.",
        "Please remember to water the plants and feed the old cat.",
        "Can you hear the difference between these two recordings?",
        "He opened the window, took a deep breath, and smiled at the quiet street.",
        "The train leaves from the other platform tonight.",
        "Our teacher explained how rivers slowly change the shape of a valley.",
        "They painted the kitchen yellow and the bedroom a very pale blue.",
        "If the price is too high, we can look for another supplier.",
        "My grandmother still writes long letters to her friends in Canada.",
        "Turn left at the church, then follow the road down to the river.",
        "Would you rather travel by train or by plane?",
        "The children laughed when the puppy chased its own tail.",
        "The soup was too hot, the bread was too hard, and the waiter was too slow.",
        "We spent the whole afternoon looking for the right kind of paint.",
        "The crowd cheered as the last runner crossed the finish line.",
        "Thousands of stars were shining above the silent desert.",
        "A sudden noise behind the house woke everyone up in the middle of the night.",
    ),
    "de": (
        "Der Zug nach Hamburg fährt heute vom anderen Gleis ab.",
        "Meine Großmutter schreibt ihren Freundinnen noch immer lange Briefe.",
        "Nach dem Sturm lag der ganze Strand voller Äste.",
        "Können Sie mir bitte sagen, wo der Bahnhof ist?",
        "Die Kinder lachten, als der Hund seinen eigenen Schwanz jagte.",
        "Wenn der Preis zu hoch ist, suchen wir einen anderen Händler.",
        "Das Museum öffnet früh, aber der Garten ist den ganzen Tag offen.",
        "Vergiss nicht, die Tür abzuschließen, bevor du schlafen gehst.",
    ),
    "fr": (
        "Le train pour Lyon part ce soir de l'autre quai.",
        "Ma grand-mère écrit encore de longues lettres à ses amies.",
        "Après la tempête, la plage était couverte de branches.",
        "Pouvez-vous me dire où se trouve la gare, s'il vous plaît ?",
        "Les enfants riaient en regardant le chien courir dans le jardin.",
        "Si le prix est trop élevé, nous chercherons un autre marchand.",
        "Le musée ouvre tôt, mais le jardin reste ouvert toute la journée.",
        "N'oublie pas de fermer la porte avant de te coucher.",
    ),
    "es": (
        "El tren de Madrid sale esta noche del otro andén.",
        "Mi abuela todavía escribe cartas largas a sus amigas.",
        "Después de la tormenta, la playa estaba llena de ramas.",
        "¿Puede decirme dónde está la estación, por favor?",
        "Los niños se rieron cuando el perro persiguió su propia cola.",
        "Si el precio es demasiado alto, buscaremos otro vendedor.",
        "El museo abre temprano, pero el jardín está abierto todo el día.",
        "No olvides cerrar la puerta antes de ir a dormir.",
    ),
    "it": (
        "Il treno per Milano parte stasera dall'altro binario.",
        "Mia nonna scrive ancora lunghe lettere alle sue amiche.",
        "Dopo la tempesta la spiaggia era piena di rami.",
        "Può dirmi dove si trova la stazione, per favore?",
        "I bambini ridevano mentre il cane correva nel giardino.",
        "Se il prezzo è troppo alto, cercheremo un altro negozio.",
        "Il museo apre presto, ma il giardino resta aperto tutto il giorno.",
        "Non dimenticare di chiudere la porta prima di andare a letto.",
    ),
    "pt": (
        "O comboio para o Porto parte esta noite da outra linha.",
        "A minha avó ainda escreve cartas longas às suas amigas.",
        "Depois da tempestade, a praia estava cheia de ramos.",
        "Pode dizer-me onde fica a estação, por favor?",
        "As crianças riram quando o cão correu pelo jardim.",
        "Se o preço for muito alto, procuramos outra loja.",
        "O museu abre cedo, mas o jardim fica aberto o dia todo.",
        "Não te esqueças de fechar a porta antes de dormir.",
    ),
    "pl": (
        "Pociąg do Warszawy odjeżdża dziś z innego peronu.",
        "Moja babcia wciąż pisze długie listy do swoich przyjaciółek.",
        "Po burzy cała plaża była pełna gałęzi.",
        "Czy może mi pan powiedzieć, gdzie jest dworzec?",
        "Dzieci śmiały się, kiedy pies biegał po ogrodzie.",
        "Jeśli cena jest za wysoka, poszukamy innego sklepu.",
        "Muzeum otwierają wcześnie, ale ogród jest otwarty cały dzień.",
        "Nie zapomnij zamknąć drzwi, zanim pójdziesz spać.",
    ),
    "ru": (
        "Поезд в Москву сегодня отходит от другой платформы.",
        "Моя бабушка до сих пор пишет подругам длинные письма.",
        "После бури весь берег был усыпан ветками.",
        "Скажите, пожалуйста, где находится вокзал?",
        "Дети смеялись, когда собака бегала по саду.",
        "Если цена слишком высокая, мы найдём другой магазин.",
        "Музей открывается рано, но сад открыт весь день.",
        "Не забудь закрыть дверь, прежде чем ляжешь спать.",
    ),
    "zh": (
        "今天晚上的火车从另一个站台出发。",
        "我的奶奶还常常给她的朋友写很长的信。",
        "暴风雨过后，海滩上到处都是树枝。",
        "请问，火车站在哪里？",
        "孩子们看到小狗在花园里跑，都笑了。",
        "如果价格太高，我们可以去别的商店。",
        "博物馆开门很早，花园整天开放。",
        "睡觉以前不要忘记锁门。",
    ),
    "ja": (
        "今夜の電車は別のホームから出発します。",
        "祖母は今でも友達に長い手紙を書いています。",
        "嵐のあと、海岸は枝でいっぱいでした。",
        "すみません、駅はどこですか。",
        "子供たちは庭を走る犬を見て笑いました。",
        "値段が高すぎるなら、別の店を探しましょう。",
        "博物館は朝早く開きますが、庭は一日中開いています。",
        "寝る前にドアの鍵をかけるのを忘れないでください。",
    ),
    "ko": (
        "오늘 밤 기차는 다른 승강장에서 출발합니다.",
        "할머니는 아직도 친구들에게 긴 편지를 쓰십니다.",
        "폭풍이 지나간 뒤 해변은 나뭇가지로 가득했습니다.",
        "실례합니다, 기차역이 어디에 있습니까?",
        "아이들은 정원을 뛰어다니는 강아지를 보고 웃었습니다.",
        "가격이 너무 높으면 다른 가게를 찾아봅시다.",
        "박물관은 일찍 열지만 정원은 하루 종일 열려 있습니다.",
        "자기 전에 문을 잠그는 것을 잊지 마세요.",
    ),
    "ar": (
        "يغادر القطار هذه الليلة من الرصيف الآخر.",
        "ما زالت جدتي تكتب رسائل طويلة إلى صديقاتها.",
        "بعد العاصفة كان الشاطئ مليئا بالأغصان.",
        "من فضلك، أين تقع محطة القطار؟",
        "ضحك الأطفال عندما ركض الكلب في الحديقة.",
        "إذا كان السعر مرتفعا فسنبحث عن متجر آخر.",
        "يفتح المتحف باكرا والحديقة مفتوحة طوال اليوم.",
        "لا تنس أن تغلق الباب قبل أن تنام.",
    ),
    "hi": (
        "आज रात की ट्रेन दूसरे प्लेटफार्म से चलेगी।",
        "मेरी दादी अब भी अपनी सहेलियों को लंबे पत्र लिखती हैं।",
        "तूफान के बाद पूरा किनारा टहनियों से भरा था।",
        "कृपया बताइए, रेलवे स्टेशन कहाँ है?",
        "बगीचे में दौड़ते कुत्ते को देखकर बच्चे हँसने लगे।",
        "अगर दाम बहुत ज्यादा है तो हम दूसरी दुकान देखेंगे।",
        "संग्रहालय सुबह जल्दी खुलता है और बगीचा दिन भर खुला रहता है।",
        "सोने से पहले दरवाजा बंद करना मत भूलना।",
    ),
}
"""By language code; the languages that have been chosen cover all scripts of the multilingual model but Hebrew and Greek."""

HARD_TEXTS: dict[str, str] = {
    "large number": "The city has 1,234,567 inhabitants.",
    "money": "That comes to $1,499.99, please.",
    "date and time": "The meeting is on 12/25/2026 at 18:45.",
    "telephone": "Call 555-012-3456, ext. 7890.",
    "abbreviations": "Dr. Lee lives near St. James St., approx. 5 km from here.",
    "quotes": "“Come in,” she said, “and close the door.”",
    "two words": "Hi there!",
    "one word": "Hello.",
    "spelled": "The USB and the BBC are run by the FBI.",
    "long without commas": (
        "The old man who had lived alone in the small white house at the end of the lane for more than thirty years walked slowly down to "
        "the harbour every single morning to look at the boats that came in with the tide"
    ),
    "heading and line": "Chapter One\nIt was a dark and stormy night.",
    "emoji": "What a day 😀 we had 🎉 at the beach 🏖️ together.",
    "markdown": "This is **very** important: read `the manual` _before_ you start.",
    "web address": "Read more at https://www.example.com/news today.",
    "decimals": "Pi is about 3.14159.",
    "list": "We need: apples, pears, two lemons; and a bag of rice.",
}
"""English texts, by what is hard about them."""

TAG_ALONE = "[laugh]"


def prose(language: str, num_words: int) -> str:
    """A text of about so many words; for languages other than English the sentences again and again, and two characters count as a word
    where words are not divided."""
    if language == "en":
        return Writer(7).words(num_words)
    text = ""
    sentences = SENTENCES[language]
    number = 0
    while (len(text) / 2 if language in ("zh", "ja") else len(text.split())) < num_words:
        text += f"{sentences[number % len(sentences)]} "
        number += 1
    return text.strip()
