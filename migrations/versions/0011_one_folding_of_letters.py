"""One folding of letters: what names are searched by, worked out anew; the same folding as a function of PostgreSQL

Keys are worked out here as the program of that day did.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STEP = 5_000
#: table → search key → the column it is made of
KEYS = {
    "driver": {"search_last": "last_name", "search_first": "first_name"},
    "registration": {"search_last": "last_name", "search_first": "first_name", "search_order": "order_number"},
}
#: Letters and apostrophes that do not decompose → the plain sign they are compared by.
ONE = {
    "ƾǀǁǂǃɁɂʔʕʖʘʡʢʬʭʹʻʼʽʾʿ‘’‛′ꜢꜣꞋꞌꞏꟷꟻꟼꟽꟾ": "'",
    "‐‒–—−": "-",
    "ȺɐɑɒⱥⱭⱯⱰꞺꞻꬰꭤ": "a",
    "ƀƁƂƃɃɓʙꞖꞗꞴꞵ": "b",
    "ƇƈȻȼɕʗꜾꜿꞒꞓꞔꟄ": "c",
    "ÐðĐđƉƊƋƌƍȡɖɗẟꝹꝺꟇꟈ": "d",
    "ƎƏƐǝɆɇɘəɚɛɜɝɞʚⱸⱻꞫꬲꬳꬴꭡ": "e",
    "ƑƒɸʩⱷꜰꝻꝼꞘꞙꬵ": "f",
    "ƓƔǤǥɠɡɢɣʛꝽꝾꝿꞠꞡꞬꟐꟑꬶ": "g",
    "ĦħƄƅɥɦɧʜʮʯⱧⱨⱵⱶꜦꜧꜪꜫꞍꞕꞪꟵꟶ": "h",
    "ıƖƗɨɩɪꞮꞼꞽ": "i",
    "ȷɈɉɟʄʝꞲ": "j",
    "ƘƙʞⱩⱪꜬꜭꜮꜯꝀꝁꝂꝃꝄꝅꞢꞣꞰ": "k",
    "ŁłƚƛȴȽɫɬɭʟⱠⱡⱢꝆꝇꝈꝉꞀꞁꞎꞭꬷꬸꬹ": "l",
    "ƜɯɰɱⱮꟺꬺ": "m",
    "ŊŋƝƞȠȵɲɳɴꞐꞑꞤꞥꬻꬼ": "n",
    "°ØøƆƟɔɤɵɷⱺꝊꝋꝌꝍꞶꞷꟀꟁꬽꬾꬿ": "o",
    "ƤƥⱣꝐꝑꝒꝓꝔꝕ": "p",
    "ĸɊɋʠꝖꝗꝘꝙꞯ": "q",
    "ƦɌɍɹɺɻɼɽɾɿʀʁⱤⱹꝚꝛꞂꞃꞦꞧꭅꭆꭇꭈꭉꭊꭋꭌ": "r",
    "ƧƨƩƪȿʂʃʅʆẜẝⱾꜱꞄꞅꞨꞩꟅꟉꟊꟖꟗꟘꟙꭍ": "s",
    "ŦŧƫƬƭƮƼƽȶȾʇʈⱦꞆꞇꞱ": "t",
    "ƱɄʉʊꞸꞹꞾꞿꭎꭏꭒ": "u",
    "ƲɅʋʌỼỽⱱⱴꝞꝟꝨꝩ": "v",
    "ƿǷʍⱲⱳꟂꟃꟕ": "w",
    "Ꭓꭓꭔꭕꭖꭗꭘꭙ": "x",
    "ƳƴȜȝɎɏʎʏỾỿꭚ": "y",
    "ƵƶƷƸƹƺȤȥɀʐʑʒʓⱫⱬⱿꝢꝣꟆ": "z",
}
#: Letters that are compared as several, or as nothing.
SEVERAL = {
    "·": "",
    "Ꜳꜳ": "aa",
    "ÆæꞚꞛꬱ": "ae",
    "Ꜥꜥ": "ain",
    "Ꜵꜵ": "ao",
    "Ꜷꜷ": "au",
    "ꜸꜹꜺꜻ": "av",
    "Ꜽꜽ": "ay",
    "Ꝯꝯ": "con",
    "ȸ": "db",
    "ꝱ": "dum",
    "ƻʣʤʥꭦ": "dz",
    "Ꝫꝫ": "et",
    "ƕǶ": "hv",
    "Ꝭꝭ": "is",
    "Ỻỻ": "ll",
    "ʪ": "ls",
    "ꝲ": "lum",
    "ɮʫ": "lz",
    "ꝳ": "mum",
    "ꝴ": "num",
    "ŒœɶꞜꞝꭀꭁꭂꭢ": "oe",
    "Ƣƣ": "oi",
    "Ꝏꝏꭃꭄ": "oo",
    "Ȣȣ": "ou",
    "ȹ": "qp",
    "Ꝝꝝꝵꝶ": "rum",
    "ßẞ": "ss",
    "ʨ": "tc",
    "ÞþꝤꝥꝦꝧꟓ": "th",
    "ʦʧꭧ": "ts",
    "ꝷ": "tum",
    "Ꜩꜩ": "tz",
    "Ꞟꞟ": "ue",
    "ꭐꭑ": "ui",
    "ꝸ": "um",
    "ꭣ": "uo",
    "Ꝡꝡ": "vy",
    "ꭠ": "yat",
}
PLAIN = str.maketrans({letter: plain for table in (ONE, SEVERAL) for letters, plain in table.items() for letter in letters})
JOINERS = str.maketrans("-'.", "   ")
FORMER = str.maketrans(
    {**{"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"}, **dict.fromkeys("-'’.", " ")}
)


def without_marks(text: str) -> str:
    """Return a text decomposed, its accents taken off."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def search_key(text: str) -> str:
    """Return a text without case, accents, hyphens and spaces, each Latin letter plain."""
    folded = without_marks(text.translate(PLAIN)).casefold().translate(PLAIN).translate(JOINERS)
    return "".join(folded.split())[:80]


def former_key(text: str) -> str:
    """Return the key that 0008 made."""
    folded = text.casefold().translate(FORMER)
    return " ".join((folded if folded.isascii() else without_marks(folded)).split())[:80]


def upgrade() -> None:
    for table, keys in KEYS.items():
        _refold(table, keys, search_key)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_function())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION fold_text(text)")
    for table, keys in KEYS.items():
        _refold(table, keys, former_key)


def _refold(table: str, keys: dict[str, str], key_of: Callable[[str], str]) -> None:
    """Work out the keys of the known rows that another folding made, some thousands at a time."""
    rows = sa.table(table, sa.column("id"), *map(sa.column, keys), *map(sa.column, keys.values()))
    new = {key: sa.bindparam(f"new_{key}") for key in keys}
    change = sa.update(rows).where(rows.c.id == sa.bindparam("row")).values(new)
    base, last = op.get_bind(), 0
    while known := base.execute(sa.select(rows).where(rows.c.id > last).order_by(rows.c.id).limit(STEP)).mappings().all():
        found = [(row, {f"new_{key}": key_of(row[source]) for key, source in keys.items()}) for row in known]
        changed = [
            {"row": row["id"], **values} for row, values in found if any(row[key] != values[f"new_{key}"] for key in keys)
        ]
        if changed:
            base.execute(change, changed)
        last = known[-1]["id"]


def _function() -> str:
    """Return what makes the function: decomposed, accents off, the table's letters plain, in lower case."""
    letters = "".join(ONE)
    plain = "".join(plain * len(group) for group, plain in ONE.items())
    found = f"translate(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g'), {_quoted(letters)}, {_quoted(plain)})"
    for group, several in SEVERAL.items():
        for letter in group:
            found = f"replace({found}, {_quoted(letter)}, {_quoted(several)})"
    return (
        "CREATE FUNCTION fold_text(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE "
        f"AS $fold$ SELECT lower({found}) $fold$"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
