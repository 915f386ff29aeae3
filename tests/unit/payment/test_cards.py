from __future__ import annotations

import pytest

from ordercore.ids import Key, Reference, TenderId
from ordercore.money import EUR, Money
from ordercore.payment.answers import Declined, DeclineKind, Pending, Succeeded, Unknown
from ordercore.payment.cards import (
    CardNumberError,
    looks_like_card,
    mask_card_numbers,
    reference_without_card,
)
from ordercore.payment.commands import RecordPayment, ReportOperation, RetryPayment
from ordercore.payment.events import OperationActionRequired
from ordercore.payment.model import Operation, RecordedPayment, Tender
from tests.laws.payment_world import START

CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "38520000023237",
    "6011111111111117",
    "3530111333300000",
    "6200000000000005",
    "tok_ 4111111111111111",
    "٤١١١١١١١١١١١١١١١",
    "".join(chr(0xFF10 + int(digit)) for digit in "4111111111111111"),
]


@pytest.mark.parametrize("text", CARDS)
def test_card_numbers_are_found(text: str) -> None:
    """PAY-8: numbers of every known brand are found, however they are written."""
    assert looks_like_card(text)


@pytest.mark.parametrize("gap", ["...", "  ", "\u00a0", " \u2013 ", "/", "\n", "_", "\u200b"])
def test_card_numbers_are_masked_however_they_are_parted(gap: str) -> None:
    """PAY-8: dots, blanks of any kind, dashes, lines and digits around it do not hide a number."""
    number = gap.join(["4111", "1111", "1111", "1111"])
    masked = mask_card_numbers(f"2 teas, {number}, 12/27")
    assert "2 teas, [card number removed], 12/27" == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tok_1NvQ8a2eZvKYlo2C",
        "4111111111111112",
        "8815658961765250",
        "353918051234567",
        "41111111111111111111111",
        "ch_4111111111111111x",
        "2026-11-22",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """PAY-8: references, serial numbers and typing errors are no card numbers."""
    assert not looks_like_card(text)


@pytest.mark.parametrize("card", CARDS)
def test_card_numbers_are_refused_and_never_shown(card: str) -> None:
    """PAY-8: no payment field takes a card number, and no message repeats it."""
    attempts = (
        lambda: Tender(id=TenderId("card"), instrument=card),
        lambda: Tender(id=TenderId("card"), gateway=card),
        lambda: Tender(id=TenderId(card)),
        lambda: RetryPayment(tender=TenderId("card"), instrument=card),
        lambda: Pending(reference=Reference(card)),
        lambda: Succeeded(reference=Reference(card), amount=Money(1, EUR)),
        lambda: RecordPayment(
            tender=TenderId("card"), amount=Money(1, EUR), reference=Reference(card)
        ),
        lambda: RecordedPayment(
            tender=TenderId("card"), amount=Money(1, EUR), reference=Reference(card)
        ),
        lambda: ReportOperation(
            operation=Operation.CAPTURE,
            reference=Reference(card),
            amount=Money(1, EUR),
            at=START,
        ),
    )
    for attempt in attempts:
        with pytest.raises(CardNumberError) as caught:
            attempt()
        assert card not in str(caught.value) + repr(caught.value)


def test_free_text_of_gateways_is_masked() -> None:
    """PAY-8: a gateway that quotes a card number in a reason does not get it into the facts."""
    quoted = "card 4111111111111111 was refused"
    masked = "card [card number removed] was refused"
    assert masked == Unknown(reason=quoted).reason
    assert masked == Declined(kind=DeclineKind.HARD, code=quoted).code
    assert masked == mask_card_numbers(quoted)


def test_secrets_are_never_printed() -> None:
    """PAY-8: neither tokens nor the pages that payers are sent to are printed."""
    tender = Tender(id=TenderId("card"), instrument="tok_canary")
    action = OperationActionRequired(
        key=Key("k"), reference=Reference("r"), action="https://canary", ask_at=START, at=START
    )
    retry = RetryPayment(tender=TenderId("card"), instrument="tok_canary")
    assert "canary" not in repr(tender) + repr(action) + repr(retry)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "paid: 4111111111111111",
        "1234-4111-1111-1111-1111",
        "٤١١١١١١١١١١١١١١١",
    ],
)
def test_a_card_number_is_no_reference(text: str) -> None:
    """PAY-8: as it stands on the card, whatever is around it (ABUSE 36)."""
    with pytest.raises(CardNumberError) as raised:
        reference_without_card(text)
    assert text not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "902-1845936-5435065",
        "450789469",
        "gid://shopify/Order/5678901234567",
        "2000003508897546",
        "4111111111111112",
        "order4111111111111111",
        "41111111-1111-1111-1111-111111111111",
        "6011111111111117",
        "30569309025904",
    ],
)
def test_names_of_shops_and_channels_are_references(text: str) -> None:
    """Ids of orders are long numbers too: what no major brand has is left alone."""
    assert text == reference_without_card(text)
