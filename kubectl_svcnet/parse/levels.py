"""A team's own levels of findings: `check --config FILE`, an INI file.

    [levels]
    SVN310 = info

One section, and in it codes with error, warning or info. Anything else is refused, so that a
misspelt line is not taken for none.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping

from ..errors import ParseError
from ..model.finding import Level

_SECTION = "levels"


def parse_levels(text: str) -> Mapping[str, Level]:
    """By code, in capitals. Raises ParseError."""
    reader = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), default_section="", empty_lines_in_values=False
    )
    try:
        reader.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        said = f"line {error.lineno} stands in no section: write [{_SECTION}] above it"
        raise ParseError(said) from error
    except configparser.DuplicateOptionError as error:
        raise ParseError(f"line {error.lineno}: {error.option.upper()} is there twice") from error
    except configparser.DuplicateSectionError as error:
        raise ParseError(f"line {error.lineno}: [{error.section}] is there twice") from error
    except configparser.ParsingError as error:
        raise ParseError(f"line {error.errors[0][0]}: write CODE = LEVEL") from error
    except configparser.Error as error:
        raise ParseError(" ".join(str(error).split())) from error
    strange = [name for name in reader.sections() if name != _SECTION]
    if strange:
        raise ParseError(f"[{strange[0]}] is no section; there is [{_SECTION}] alone")
    rows = reader.items(_SECTION) if reader.has_section(_SECTION) else []
    return {code.upper(): _level(code.upper(), word) for code, word in rows}


def _level(code: str, word: str) -> Level:
    try:
        return Level(word.strip().lower())
    except ValueError as error:
        raise ParseError(f"{code} = {word}: write error, warning or info") from error
