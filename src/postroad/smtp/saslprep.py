"""SASLprep: one form for passwords that look the same (RFC 4013, a profile of stringprep, RFC 3454)."""


def saslprep(text: str) -> str:
    """The prepared text of a query (unassigned code points are allowed, RFC 3454 §7).

    What SASLprep forbids comes back as it is: a server that knows SASLprep cannot have such a password, and one that
    does not has it as it was typed.
    """
    if text.isascii():  # nothing to map, and a control character comes back either way
        return text
    prepared = _normalised(text)
    return text if not prepared or _forbidden(prepared) else prepared


def _normalised(text: str) -> str:
    from stringprep import in_table_b1, in_table_c12  # late: few passwords get here
    from unicodedata import ucd_3_2_0  # RFC 3454 §4: this version, for ever

    mapped = (" " if in_table_c12(one) else one for one in text if not in_table_b1(one))  # RFC 4013 §2.1
    return ucd_3_2_0.normalize("NFKC", "".join(mapped))  # §2.2


def _forbidden(text: str) -> bool:
    import stringprep as tables  # late: see above

    prohibited = (  # RFC 4013 §2.3
        tables.in_table_c12,
        tables.in_table_c21_c22,
        tables.in_table_c3,
        tables.in_table_c4,
        tables.in_table_c5,
        tables.in_table_c6,
        tables.in_table_c7,
        tables.in_table_c8,
        tables.in_table_c9,
    )
    if any(table(one) for one in text for table in prohibited):
        return True
    if not any(map(tables.in_table_d1, text)):
        return False
    # RFC 3454 §6: right-to-left text begins and ends so, and has nothing left-to-right in it.
    return not (tables.in_table_d1(text[0]) and tables.in_table_d1(text[-1])) or any(map(tables.in_table_d2, text))
