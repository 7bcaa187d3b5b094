"""Amounts that belong to the noun after them and are read in the singular: "a 5 km run", "a $5 bill", "16 GB RAM"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, word_after, word_before

_MEASURED = frozenset(
    """
    adapter apartment bag ballpoint barrel battery beam bike bill binder blade bottle box bracket bucket budget bulb cabin cable camera
    can canister car carton cave championship charger coin contract corridor course dash deal deposit diameter disc disk dish dose
    dumbbell elevator engine envelope fine flagship flashlight freestyle fridge fuse garden generator grant hallway hammer heater
    hole hose house hurdles hurdler image increment interval invoice jackpot jar jug keyboard kettlebell laptop lawsuit lens lever
    loan lotion mansion marathon medley memory microwave monitor mortgage motor motorcycle nail note oven pack package packet
    pallet pan panel parcel partition penalty phone pill pipe pistol pitcher plank plate player pool pot printer prize processor project
    pump radius RAM refrigerator relay resistor rifle road rocket roof rope row sack salary sample scholarship screen sedan server
    settlement ship smartphone socket sofa speaker speedboat sphere sprint spring SSD statue steeplechase supply suitcase
    swimmer syringe tablet tank telescope tent terminal ticket tile tire tower track trail transformer trench truck tub tube tunnel
    turkey TV tyre van vault vehicle vessel video voucher wall warship weight wheel window windowsill wire yacht
    barrier boat bridge building bullet cannon capacitor column container crane cup cylinder dam display fence file fund gun HDD
    investment LED lightbulb locomotive mark pole program refund stadium steak thread tree walkway
    """.split()
)
"""Things with a size, a weight, a power or a price; a verb is rarely written in the same way."""

_EVENTS = frozenset(
    """
    run race walk jog ride drive trek trip commute climb swim stretch segment leg line cut drop rise raise gain loss increase decrease
    hard hike minimum square home limit pass bonus discount charge fee tax rebate check cheque gift donation offer bid bet bounty break wait delay rest nap call flight
    journey session shift meeting class lesson lecture speech workout drill timer window warranty lease sentence plan movie film
    episode song clip strip slab sheet cube block brick drone plane jet plug lamp light laser radio beam signal connection
    connector link port drive stick chip card cartridge module kit set sale order purchase payment installment rebound lot plot
    farm field ranch estate property fire crater zone gap margin lead error threshold target goal cap ceiling floor
    wrench bolt screw needle gauge lens wave wavelength band frequency clock core cell rail gel tin pint mug glass loaf cake pie burger
    pizza baby infant man woman fish tuna shark whale dog cat snake python alligator crocodile
    """.split()
)
"""Nouns that are also verbs, or that can follow an amount in another way: an article must stand before the amount."""

_DETERMINERS = frozenset("the this that its his her my our your their every each another whose".split())
_NOUN_ENDING = re.compile(r"[a-z]{3,16}(?:tion|sion|ment|ship|tor|ogram|plex|craft|meter|phone)s?")


def is_attributive(text: str, start: int, end: int) -> bool:
    """Whether an amount in `text[start:end]` belongs to the noun after it."""
    following = word_after(text, end)
    if not following:
        return False
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
    return is_definite and (singular in _EVENTS or following in _EVENTS or _NOUN_ENDING.fullmatch(following) is not None)
