"""Amounts that belong to the noun after them and are read in the singular: "a 5 km run", "a $5 bill", "16 GB RAM"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, word_after, word_before

_MEASURED = frozenset(
    """
    capsule serving bonus extension
    adapter apartment bag ballpoint barrel barrier battery beam bike bill binder blade boat bottle box bracket bridge bucket budget
    building bulb bullet cabin cable camera can canister cannon capacitor car carton cave championship charger coin column container
    contract corridor course crane cup cylinder dam dash deal deposit diameter disc dish disk display dose dumbbell elevator engine
    envelope fence file fine flagship flashlight freestyle fridge fund fuse garden generator grant gun hallway hammer HDD heater
    hole hose house hurdler hurdles image increment interval investment invoice jackpot jar jug kettlebell keyboard laptop lawsuit
    LED lens lever lightbulb loan locomotive lotion mansion marathon mark medley memory microwave monitor mortgage motor motorcycle
    nail note oven pack package packet pallet pan panel parcel partition penalty phone pill pipe pistol pitcher plank plate player
    pole pool pot printer prize processor program project pump radius RAM refrigerator refund relay resistor rifle road rocket roof
    rope row sack salary sample scholarship screen sedan server settlement ship smartphone socket sofa speaker speedboat sphere
    spring sprint SSD stadium statue steak steeplechase suitcase supply swimmer syringe tablet tank telescope tent terminal thread
    ticket tile tire tower track trail transformer tree trench truck tub tube tunnel turkey TV tyre van vault vehicle vessel video
    voucher walkway wall warship weight wheel window windowsill wire yacht
    """.split()
)
"""Things with a size, a weight, a power or a price; a verb is rarely written in the same way."""

_EVENTS = frozenset(
    """
    test wind gust speed final heat jack record time
    alligator baby band beam bet bid block bolt bonus bounty break brick burger cake call cap card cartridge cat ceiling cell charge
    check cheque chip class climb clip clock commute connection connector core crater crocodile cube cut decrease delay discount dog
    donation drill drive drone drop episode error estate farm fee field film fire fish flight floor frequency gain gap gauge gel
    gift glass goal hard hike home increase infant installment jet jog journey kit lamp laser lead lease lecture leg lens lesson
    light limit line link loaf loss lot man margin meeting minimum module movie mug nap needle offer order pass payment pie pint
    pizza plan plane plot plug port property purchase python race radio rail raise ranch rebate rebound rest ride rise run sale
    screw segment sentence session set shark sheet shift signal slab snake song speech square stick stretch strip swim target tax
    threshold timer tin trek trip tuna wait walk warranty wave wavelength whale window woman workout wrench zone
    """.split()
)
"""Nouns that are also verbs, or that can follow an amount in another way: an article must stand before the amount."""

_DETERMINERS = frozenset("the this that its his her my our your their every each another whose".split())
_MODIFIER = re.compile(r", [\w]{1,12}-(?:year|month|week|day|hour|minute|game|mile|story|person|page|acre|foot)(?:-old)? [a-z]")
_EXTENTS = frozenset("tall wide long high deep thick".split())
_NOUN_ENDING = re.compile(r"[a-z]{3,16}(?:tion|sion|ment|ship|tor|ogram|plex|craft|meter|phone)s?")


def is_attributive(text: str, start: int, end: int) -> bool:
    """Whether an amount in `text[start:end]` belongs to the noun after it."""
    following = word_after(text, end)
    if not following:
        return _MODIFIER.match(text, end) is not None and word_before(text, start).lower() in ("a", "an", "the")
    if text[end : end + 1] == "\n":
        return False
    before = word_before(text, start).lower()
    if before in ("a", "an"):
        return following == "can" or following.lower() not in FUNCTION_WORDS  # "a 12 oz. can"
    if following == "can":
        return False  # "The 5 kg can be split."
    singular = following[:-1] if following.endswith("s") and following not in ("hurdles", "class", "glass", "pass") else following
    if singular in _MEASURED or following in _MEASURED:
        return True
    is_definite = before in _DETERMINERS or before.endswith(("'s", "’s"))
    if is_definite and following in _EXTENTS:  # "the 2 m tall man"
        noun = word_after(text, end + 1 + len(following))
        return noun.islower() and noun not in FUNCTION_WORDS
    return is_definite and (singular in _EVENTS or following in _EVENTS or _NOUN_ENDING.fullmatch(following) is not None)
