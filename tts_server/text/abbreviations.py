"""Words that are written with a full stop, and words that begin sentences. The language of a text is usually unknown: all in one list."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    """
    dr drs mr mrs ms mx messrs prof profs rev fr hon gen lt lieut capt cpt cmdr col maj sgt cpl gov sen rep pres supt insp mt mts ft
    vs viz cf ca approx fig figs eq eqs vol vols resp incl esp e.g i.e eg ie
    sra srta srs srtas dra uds ud mme mmes mlle mgr hr frl fam dipl ing mag sig sigg dott dhr mevr mej
    z.b d.h u.a s.o s.u i.d.r bzw bspw ggf evtl inkl zzgl vgl nr abb bd aufl p.ex c.-à-d par.ex c.à.d p.ej bijv o.a d.w.z
    т.е т.к т.н г-н г-жа ул им просп стр рис см проф акад обл р-н ok np tzw por mjr hl tzn např tj sv ee tp κ κα डॉ प्रो मि ডা ড
    """
)
"""Something always follows: a name, a number, an example."""

NUMBERED = _words(
    """
    no nos p pp pg pgs ch chap sec sect art arts op pt ver v para n° nº num núm tel ext bk jan feb mar apr jun jul aug sep sept oct nov dec
    sun mon tue tues wed thu thur thurs fri sat nro tab kap est s т гл п ст
    """
)
"""Abbreviations only where a number follows; otherwise the word may well end its sentence."""

COMMON = _words(
    """
    inc ltd co corp llc plc bros jr sr st ave blvd rd hwy sq bldg apt dept univ assn min hr hrs lb lbs oz ft yd km kg cm mm
    gal etc al ed eds ibid misc avg tel fax ext jan feb apr aug sept oct nov dec gmbh ag usw uvm ff tzv enz bv nv cie
    г гг вв др пр тыс млн млрд руб коп итд itp itd m.in pl aj atd
    """
)
"""May end a sentence or not: what follows decides."""

STARTERS = _words(
    """
    the this that these those there here he she it we they you i my his her our their its your what who why when where how which if
    but and or so yet then now after before because while although though since until as at by for from in on to with without
    is are was were do does did can could will would should has have had may might must let not no yes maybe perhaps please
    some many most all every each one two nobody everybody everyone someone nothing everything meanwhile however therefore
    next later finally first second also another other only just still even again today yesterday tomorrow
    der die das ein eine er sie es wir ihr ich und aber wenn dann danach dort hier nicht
    le la les un une il elle nous vous ils elles je mais et puis el los las una pero y entonces yo
    он она оно они мы вы я это и но а в на с когда потом
    """
)
"""Words that, with a capital, seldom stand anywhere but at the head of a sentence."""

GERMAN_BEFORE_ORDINALS = _words("am im vom zum beim der die das den dem des")
"""`der 1. Preis`."""

GERMAN_MONTHS = _words("januar jänner februar märz april mai juni juli august september oktober november dezember")
"""`3. Oktober` is one date."""
