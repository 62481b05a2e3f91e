"""Columns about people, recognised by their names in English, Spanish and Portuguese:
an importer refuses to read them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from optimizer.base.errors import InputError, Problem

PERSONAL = re.compile(
    r"ages?|aged|genders?|sex|ethnic\w*|races?|racial|religi\w+|faith|nationalit\w+|citizen\w*|surnames?|forenames?|firstname|lastname|"
    r"fullname|nicknames?|alias(es)?|dob|birth\w*|passports?|ssn|phones?|telephones?|e?mail|licen[cs]es?|plates?|vrm|vin|hair|skin|"
    r"complexion|disabilit\w+|marital|occupation|suspects?|offenders?|victims?|detainees?|arrestees?|"
    r"edad|idade|sexo|genero|etni\w+|raza|raca|nacionalidade?|ciudadan\w+|cidadan\w+|apellidos?|sobrenomes?|apelidos?|apodos?|alcunhas?|"
    r"nacimiento|nascimento|pasaportes?|passaportes?|telefon[oe]s?|celular(es)?|licencias?|placas?|matriculas?|cedulas?|dni|curp|cpf|cnh|"
    r"sospechos[oa]s?|suspeit[oa]s?|infractor(es)?|infrator(es)?|victimas?|vitimas?|detenid[oa]s?|detid[oa]s?|presos?"
)
"""Words that make a column personal wherever they stand in its name; those with accents
are written here without.
"""
NAME = re.compile(r"names?|nombres?|nomes?")
ALONE = re.compile(
    r"driver|passenger|officer|leader|conductor|condutor|chofer|motorista|pasajero|passageiro|lider"
)
"""Words for one person: where nothing else stands in a column's name, that is who it
is; the plural counts them.
"""
PERSON = re.compile(
    rf"({ALONE.pattern}|person|owner|subject|individual|persona|pessoa|propietario|proprietario|dueno|dono|individuo)(e?s)?|people"
)
OF_A_PERSON = re.compile(
    rf"{NAME.pattern}|id|address|origin|background|description|details|defined|direccion|endereco|domicilio|origen|origem|descripcion|descricao"
)
PART_OF_A_NAME = re.compile(
    r"first|last|full|given|family|middle|maiden|primer|primero|primeiro|segundo|ultimo|completo"
)


def is_personal(column: str) -> bool:
    """Return whether a column's name says that it is about a person.

    Words are separated by case, spaces and signs: `Self-defined ethnicity`, `AgeRange`
    and `driver_name` are personal, `tonnage`, `area name` and `origin` are not; `name`,
    `address` and `officer` alone are, and `officers` is not. So are `Teléfono` and
    `nome do motorista`; `municipio` is not.
    """
    without_accents = "".join(
        mark for mark in unicodedata.normalize("NFKD", column) if not unicodedata.combining(mark)
    )
    words = [
        word.lower()
        for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", without_accents)
    ]
    joined = [*words, *("".join(pair) for pair in pairwise(words))]

    def there(wanted: re.Pattern[str]) -> bool:
        return any(wanted.fullmatch(word) for word in words)

    return (
        any(PERSONAL.fullmatch(word) for word in joined)
        or (len(words) == 1 and (there(NAME) or there(ALONE) or words == ["address"]))
        or (there(PERSON) and there(OF_A_PERSON))
        or (there(PART_OF_A_NAME) and there(NAME))
    )


def refuse_personal(path: Path, columns: Iterable[str], expected: str) -> None:
    """Refuse a table with columns about people.

    Raises
    ------
    InputError
        Naming these columns.
    """
    persons = [name for name in columns if is_personal(name)]
    if persons:
        found = f"columns about people: {', '.join(map(repr, persons[:8]))}"
        raise InputError(Problem(f"{path}, line 1", found, expected, "Remove these columns"))
