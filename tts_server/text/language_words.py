"""Frequent words and letters of fifteen languages in Latin letters, by which `language.py` distinguishes them."""

from __future__ import annotations

_WORDS = {
    "en": """
        wrote saw gave took kept felt knew held let brought began heard won lost played visited lives works plays sings loves likes
        listened spoke the of and to in is that it was for on are as with his they at be this have from or had by but what some we can out
        other were all there when up use your how said an each she which do their if will way about many then them would like so these her
        long make thing see him two has look more could go come did number sound no most people my over know than call first who may down
        been now find any new work part take get place made where after back little only came show every good me our under very just think
        say help through much before right too old same tell does want also around another why ask went need here must because such turn
        off always those both until again should never it's i'm don't didn't can't won't isn't that's what's there's you're we're they're
        i've you've he's she's let's doesn't wasn't couldn't wouldn't i'll you i he a not into upon against during without between while
        though yes please thank thanks today tomorrow yesterday morning evening night mr mrs ms street road says told asked got us its am
        being having going nothing something anything everyone someone still even one three four five six seven eight nine ten hundred
        thousand million year years day days time world man woman child house left last next best better water read open close well whose
        whom few lot big small large great high low early late near met plus code voice model control address mister missus king queen
        lord sir sea dog cat cats sleep slept run ran red blue green black white percent per price cost page chapter version meeting
        letter book train bus called buy bought paid pay sold sent send
        """,
    "de": """
        der die das und ist nicht ein eine einen einem einer eines ich du er sie es wir ihr mich dich sich uns euch mir dir ihm ihnen den
        dem des zu auf für mit von im am an aus bei nach seit über unter vor zwischen durch gegen ohne um wenn als wie dass daß weil ob
        oder aber denn auch noch schon nur sehr so da hier dort dann war waren wird werden wurde worden hat haben hatte hatten kann können
        konnte muss müssen soll sollen will wollen darf mag sein bin bist sind seid habe hast mein meine dein deine seine ihre unser
        unsere kein keine keinen nichts etwas alles alle viel viele mehr immer wieder heute morgen gestern jetzt bitte danke ja nein guten
        gut gute neue neuen neu zum zur vom beim ins ihn dieser diese dieses diesem diesen jeder jede was wer wo warum wann man mal doch
        eben ganz bis damit dabei geht gibt kommt macht machen gehen kommen sehen sagen sagte zeit jahr jahre jahren tag tage leute haus
        kind kinder frau mann stadt wasser uhr minuten stunden eins zwei drei vier fünf sechs sieben acht neun zehn kostet euro möchte
        möchten würde könnte sollte während wegen trotzdem zusammen vielleicht natürlich hause zug abend nacht
        """,
    "fr": """
        le la les un une des du de et est dans que qui pour pas sur au aux avec ce cette ces cet il elle ils elles nous vous je tu on se
        sa son ses mon ma mes ton ta tes notre nos votre vos leur leurs ne plus par mais ou où donc car si comme tout tous toute toutes
        bien très aussi encore même être avoir fait faire suis es sont été était étaient avait avaient ai as ont avons avez sera serait
        peut peuvent doit faut veut voir dit dire va vais aller sans sous chez entre vers depuis pendant avant après jamais toujours rien
        quelque quelques autre autres quand comment pourquoi parce ça cela c'est n'est j'ai d'un d'une l'on qu'il qu'elle s'il aujourd'hui
        demain hier matin soir nuit jour jours an ans année années heure heures temps monde homme femme enfant enfants maison ville eau
        deux trois quatre cinq sept huit neuf dix merci bonjour monsieur madame oui non petit petite grand grande nouveau nouvelle bon
        bonne beaucoup peu trop moins ici là y en à
        """,
    "es": """
        el la los las un una unos unas de del y e o en que es no se por con para como su sus lo al más pero le les me mi mis tu tus te nos
        ha han hay he ser está están estaba era eran fue fueron son soy eres somos tiene tienen tengo hacer hace puede pueden quiero
        quiere ir va voy vamos ver decir dice dijo todo todos toda todas muy también ya sin sobre entre hasta desde cuando donde dónde
        cómo qué quién porque si sí este esta estos estas ese esa eso esto aquel otro otra otros otras mucho mucha muchos muchas poco bien
        mal siempre nunca nada algo alguien hoy mañana ayer ahora aquí allí después antes durante día días año años hora horas tiempo vez
        veces mundo hombre mujer niño niños casa ciudad agua dos tres cuatro cinco seis siete ocho nueve diez gracias buenos buenas señor
        señora nuevo nueva gran grande pequeño cada mejor tan así aunque ella ellos ellas nosotros usted ustedes yo él tarde noche calle
        favor cuánto cuesta
        """,
    "it": """
        il lo la i gli le un uno una di del della dei delle dello degli al alla ai alle dal dalla nel nella nei nelle sul sulla e ed o che
        è non si per con da in su a come ma se anche più sono era erano ha hanno ho hai abbiamo essere avere fatto fare può possono deve
        devo voglio vuole andare va vado vedere dire dice detto tutto tutti tutta tutte molto molti molta ancora già sempre mai niente
        qualcosa qualcuno questo questa questi queste quello quella quelli quando dove perché chi cosa così poi prima dopo senza tra fra
        fino ci mi ti vi lui lei noi voi loro io tu mio mia tuo tua suo sua nostro nostra oggi domani ieri adesso ora qui lì giorno giorni
        anno anni ore tempo volta mondo uomo donna bambino bambini casa città acqua due tre quattro cinque sei sette otto nove dieci
        grazie buongiorno buona buono signore signora nuovo nuova grande piccolo ogni stato stata bene solo c'è dell' l' un' nell' all'
        sera notte mattina strada
        """,
    "pt": """
        o a os as um uma uns umas de do da dos das e em no na nos nas que é não se por para com como mais mas ao à aos às pelo pela foi
        era eram são está estão estava ser ter tem têm tenho tinha há fazer faz pode podem quero quer ir vai vou vamos ver dizer diz disse
        tudo todo todos toda todas muito muita muitos muitas também já sem sobre entre até desde quando onde porque sim este esta estes
        estas esse essa isso isto aquele outro outra outros bem mal sempre nunca nada algo alguém hoje amanhã ontem agora aqui ali depois
        antes durante dia dias ano anos hora horas tempo vez vezes mundo homem mulher criança crianças casa cidade água dois duas três
        quatro cinco seis sete oito nove dez obrigado obrigada bom boa senhor senhora novo nova grande pequeno cada melhor tão assim ela
        eles elas nós você vocês eu ele meu minha seu sua nosso nossa lhe me te num numa deste desta noite manhã tarde rua favor quem qual
        """,
    "nl": """
        de het een en van in is dat op te zijn met voor niet aan er om ook als bij maar dan nog wel geen naar uit door over tot af ik je
        jij u hij zij ze wij we jullie mij me jou hem haar ons hun mijn jouw onze dit deze die was waren wordt worden werd heeft hebben
        had hadden kan kunnen moet moeten zal zullen wil willen mag ben bent heb hebt gaan gaat komen komt doen doet zien zeggen zegt zei
        maken veel meer alle alles iets niets iemand niemand altijd nooit hier daar waar wanneer waarom hoe wat wie welke omdat want of
        toen nu vandaag morgen gisteren dag dagen jaar jaren uur tijd keer wereld man vrouw kind kinderen huis stad water twee drie vier
        vijf zes zeven acht negen tien dank bedankt goed goede nieuw nieuwe groot grote klein kleine elke eerste laatste tussen tegen
        zonder onder na sinds tijdens heel erg zo toch even eens mensen avond nacht ochtend straat
        """,
    "pl": """
        i w z na do nie się jest to że o jak a ale po od za przez dla co tak już tylko czy był była było byli są być mam masz ma mamy może
        mogę można ten ta te tego tej tym tych który która które których kiedy gdzie dlaczego bo więc jeszcze bardzo też także oraz lub
        albo jego jej ich mój moja twój nasz nasza wasz swój ja ty on ona my wy oni mnie mi ci mu go nas was im ze we przed pod nad między
        bez u przy dziś dzisiaj jutro wczoraj teraz zawsze nigdy nic coś ktoś wszystko wszyscy dzień dni rok lat roku godzina godzin czas
        raz świat człowiek kobieta dziecko dzieci dom miasto woda dwa dwie trzy cztery pięć sześć siedem osiem dziewięć dziesięć dziękuję
        proszę dobry dobra nowy nowa duży mały każdy jeśli gdy aby żeby chcę musi muszę trzeba będzie będą miał wieczorem rano ulicy
        """,
    "sv": """
        och i att det som en på är av för med den till inte har de ett om han hon jag du vi ni var från men så kan när eller ut upp nu ska
        skulle mot sin sitt sina än efter vid då hade bara mycket också där här alla allt någon något några ingen inget blev bli blir vara
        varit min mitt mina din ditt vår vårt er ert oss mig dig sig honom henne dem vad vem varför hur vilken vilka kommer komma går gå
        gör göra får få ser se säger sa sade måste vill ville under över mellan utan genom sedan igen alltid aldrig idag imorgon igår dag
        dagar år timmar tid gång världen människor man kvinna barn hus staden stad vatten två tre fyra fem sex sju åtta nio tio tack god
        bra ny nya stor stora liten små första sista varje kväll natt morgon gatan
        """,
    "da": """
        og i at det som en på er af for med den til ikke har de et om han hun jeg du vi var fra men så kan når eller ud op nu skal skulle
        mod sin sit sine end efter ved da havde kun meget også der her alle alt nogen noget nogle ingen intet blev bliver være været min
        mit mine din dit vores jer os mig dig sig ham hende dem hvad hvem hvorfor hvordan hvilken kommer komme går gå gør gøre får få ser
        se siger sagde må vil ville under over mellem uden gennem siden igen altid aldrig dag dage år timer tid gang verden mennesker mand
        kvinde børn barn hus byen by vand to tre fire fem seks syv otte ni ti tak god godt ny nye stor store lille små første sidste hver
        aften nat morgen gaden lige bare blevet nej hvis hjem penge kunne synes
        """,
    "no": """
        og i at det som en på er av for med den til ikke har de et om han hun jeg du vi var fra men så kan når eller ut opp nå skal skulle
        mot sin sitt sine enn etter ved da hadde bare mye mange også der her alle alt noen noe ingen ingenting ble blir være vært min mitt
        mine din ditt vår vårt dere oss meg deg seg ham henne dem hva hvem hvorfor hvordan hvilken kommer komme går gå gjør gjøre får få
        ser se sier sa må vil ville under over mellom uten gjennom siden igjen alltid aldri dag dager år timer tid gang verden mennesker
        mann kvinne barn hus byen by vann to tre fire fem seks sju syv åtte ni ti takk god godt ny nye stor store liten små første siste
        hver kveld natt morgen gata gaten fordi bli dette blitt nei hvis hjem penger kunne synes
        """,
    "fi": """
        ja on ei että se oli hän joka mutta niin kuin kun myös tai jos vain ovat olen olet olemme olisi ole olla ollut minä sinä me te he
        minun sinun hänen meidän teidän heidän tämä tuo nämä ne siitä sitä sen siinä siellä täällä tässä missä mitä mikä kuka miksi miten
        milloin nyt sitten vielä jo hyvin paljon enemmän kaikki kaikkia mitään jotain joku aina koskaan tänään huomenna eilen päivä päivää
        vuosi vuotta vuonna tunti tuntia aika kerran maailma ihminen ihmiset mies nainen lapsi lapset talo kaupunki vesi vettä kaksi kolme
        neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen kiitos hyvää hyvä uusi uuden suuri pieni ennen jälkeen kanssa ilman yli
        alle noin koska vaikka sekä eikä voi voin voit pitää täytyy haluan tulee menee sanoi illalla aamulla yöllä ensi viime mukaan
        """,
    "tr": """
        ve bir bu da de için ile çok ne o mi mı mu mü ben sen biz siz onlar daha en gibi kadar sonra önce ama fakat ancak veya ya hem her
        hiç bütün tüm bazı şey şu var yok değil olan olarak oldu olduğu olduğunu olur olacak olmak etti eder etmek yapmak yaptı dedi diye
        ki çünkü eğer nasıl neden nerede kim zaman bugün yarın dün şimdi burada orada gün yıl yılında saat kez dünya insan adam kadın
        çocuk çocuklar ev şehir su iki üç dört beş altı yedi sekiz dokuz on yüz bin teşekkür ederim lütfen merhaba iyi yeni büyük küçük
        benim senin onun bizim sizin ona beni seni onu bana sana bunu bunun şunu içinde üzerinde altında arasında göre karşı rağmen evet
        hayır güzel akşam sabah gece gelen geldi gitti biraz sadece bile artık
        """,
    "ms": """
        yang dan di ini itu dengan untuk pada dari daripada dalam tidak adalah akan telah sudah ada saya anda kamu dia mereka kami kita ke
        oleh juga atau seperti lebih boleh bisa dapat kerana karena jika kalau apabila ketika sebagai orang banyak semua satu dua tiga
        empat lima enam tujuh lapan delapan sembilan sepuluh hari tahun jam masa waktu kali dunia lelaki perempuan anak rumah kota bandar
        air terima kasih selamat pagi petang malam baik baru besar kecil sangat sekali hanya masih lagi belum pernah bukan jangan tetapi
        tapi namun sehingga supaya agar bagi antara selepas setelah sebelum semasa mana siapa apa mengapa kenapa bagaimana bila sini sana
        mahu mau ingin perlu harus mesti pergi datang buat makan minum esok semalam tadi sedang nya kepada para tersebut
        """,
    "sw": """
        na ya wa kwa ni la za katika cha vya ili kama hii huu hiyo hizo huo hilo haya yake wake zake lake chake yangu wangu yako wako yetu
        wetu wao yao mimi wewe yeye sisi ninyi si sio hapana ndiyo lakini au pia sana tu bado tayari kila watu mtu mtoto watoto mwanamke
        mwanaume nyumba nyumbani mji maji siku mwaka miaka saa wakati mara dunia leo kesho jana sasa hapa huko wapi nini nani kwanini vipi
        gani moja mbili tatu nne tano sita saba nane tisa kumi asante habari karibu tafadhali nzuri mzuri vizuri mpya kubwa mkubwa dogo
        mdogo ambao ambaye ambayo baada kabla juu chini ndani nje kuwa kuna alikuwa walikuwa ilikuwa anakuja nina una ana tuna wana nataka
        unataka anataka kwamba hivyo basi rafiki shule kazi chakula asubuhi jioni usiku
        """,
}

_LETTERS = {
    "de": "ßäöü",
    "fr": "àâçèéêëîïôûùœ",
    "es": "ñáéíóú¿¡",
    "it": "àèéìòù",
    "pt": "ãõçáâéêíóôúà",
    "nl": "ë",
    "pl": "ąćęłńśźżó",
    "sv": "åäö",
    "da": "æøå",
    "no": "æøå",
    "fi": "äö",
    "tr": "ğışçöü",
}

LANGUAGES = tuple(_WORDS)
"""Their two-letter codes, in the order of the columns of `language_ngrams.txt`."""


def _weights(table: dict[str, list[str]]) -> dict[str, tuple[tuple[str, float], ...]]:
    """By word, the languages that have it and how much it says for each, 0.2 to 2: the less the more languages share it."""
    owners: dict[str, list[str]] = {}
    for language, words in table.items():
        for word in dict.fromkeys(words):
            owners.setdefault(word, []).append(language)
    return {word: tuple((language, max(0.2, 2 / len(known) ** 1.5)) for language in known) for word, known in owners.items()}


WORD_WEIGHTS = _weights({language: words.split() for language, words in _WORDS.items()})
LANGUAGES_OF_LETTER = {
    letter: tuple(language for language, own in _LETTERS.items() if letter in own) for letter in sorted({*"".join(_LETTERS.values())})
}
