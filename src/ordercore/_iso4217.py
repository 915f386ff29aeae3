"""
Currencies and their number of digits after the point, as ISO 4217 states them.

``CURRENT`` follows the list of active codes published on 2026-01-01; codes without a minor unit
(metals, drawing rights, test codes) are no money and left out. ``WITHDRAWN`` keeps codes that old
orders may still carry, with the digits that they had when they were in use.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CURRENT", "EXPONENTS", "WITHDRAWN"]

CURRENT: Final = {
    0: ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "),
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
        "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
        "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
        "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
        "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
        "XAD XCD XCG YER ZAR ZMW ZWG "
    ),
    3: ("BHD IQD JOD KWD LYD OMR TND "),
    4: ("CLF UYW "),
}
"""Active codes, by digits after the point."""

WITHDRAWN: Final = {
    0: ("ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE TPE TRL "),
    2: (
        "AFA ANG ATS AZM BGL BGN CSD CUC CYP DEM EEK FIM FRF GHC GWP HRK IEP LTL LVL MRO MTL MZM "
        "NLG ROL RUR SDD SIT SKK SLL SRG STD TMM VEB VEF XEU YUM ZMK ZWD ZWL ZWN ZWR "
    ),
}
"""Codes no longer active, by digits after the point."""

EXPONENTS: Final[dict[str, int]] = {
    code: digits
    for table in (WITHDRAWN, CURRENT)
    for digits, codes in table.items()
    for code in codes.split()
}
"""Digits after the point, by code."""
