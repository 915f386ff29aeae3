"""
What a refund would do: the credit in parts, what it sends back, and to where (RULES RF-2).

The caller gives the facts as a `RefundBasis`; nothing is looked up, nothing is recomputed from a
rate. Cancelling uses the same mechanism.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

from attrs import Factory, evolve, frozen

from ordercore.ids import LineId
from ordercore.money import Money, sum_money
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.refund._building import (
    AlreadyCreditedError,
    Build,
    CreditExceedsWorthError,
    UnknownChargeError,
)
from ordercore.refund.ledger import claimable, owed, placed_nowhere, to_pay_back
from ordercore.refund.model import (
    Credit,
    CreditCause,
    InvalidRefundError,
    RefundQuote,
    RefundRequest,
    refuse_unless,
    refuse_unless_all,
)
from ordercore.refund.policy import RefundPolicy
from ordercore.refund.tenders import TenderBalance, destinations
from ordercore.refund.worth import Worth

__all__ = [
    "AlreadyCreditedError",
    "CreditExceedsWorthError",
    "RefundBasis",
    "UnknownChargeError",
    "calculate",
    "cancel_credit",
    "dispatched_worth",
    "fingerprint",
]


def _nothing(basis: RefundBasis) -> Money:
    return Money.zero(basis.priced.currency)


@frozen(kw_only=True)
class RefundBasis:
    """
    The facts that a refund depends on; amounts are in the currency of the order.

    Args:
        priced: What was charged.
        credits: What was taken off it so far.
        credited: The slots credited in full; gathered from the credits when not given.
        dispatched: Under capture at dispatch, while a slot is open: the slots of each line that
            went out. None when all that is owed may be claimed.
        earlier_due: Under capture at dispatch: what tenders due earlier were to pay.
        held: Captured, less refunded, less disputes lost.
        in_flight: Refunds on their way.
        disputed: Disputes open.
        tenders: In the order that they paid.

    Raises:
        InvalidRefundError: A field is of another type.
        CurrencyMismatchError: An amount in another currency than the order's.
    """

    priced: PricedOrder
    credits: tuple[Credit, ...] = ()
    credited: Mapping[LineId, SlotSet] | None = None
    dispatched: Mapping[LineId, SlotSet] | None = None
    earlier_due: Money | None = None
    held: Money = Factory(_nothing, takes_self=True)
    in_flight: Money = Factory(_nothing, takes_self=True)
    disputed: Money = Factory(_nothing, takes_self=True)
    tenders: tuple[TenderBalance, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless(self.priced, PricedOrder, "priced")
        refuse_unless_all(self.credits, Credit, "credits")
        refuse_unless_all(self.tenders, TenderBalance, "tenders")
        for slots_of in (self.credited, self.dispatched):
            if slots_of is not None:
                refuse_unless(slots_of, Mapping, "slots by line")
        currency = self.priced.currency
        rooms = [tender.room for tender in self.tenders]
        sum_money([self.held, self.in_flight, self.disputed, *rooms], currency)
        if self.earlier_due is not None:
            sum_money([self.earlier_due], currency)

    @property
    def owed(self) -> Money:
        """What the buyer owes for the whole order."""
        return owed(self.priced.total, self.credits)

    @property
    def claimable(self) -> Money:
        """What may be claimed already."""
        went_out = None
        if self.dispatched is not None:
            went_out = dispatched_worth(self.priced, self.credits, self.dispatched)
        return claimable(self.owed, dispatched=went_out, earlier_due=self.earlier_due)

    @property
    def to_pay_back(self) -> Money:
        """What is to be sent back now."""
        return to_pay_back(
            self.held, claim=self.claimable, in_flight=self.in_flight, disputed=self.disputed
        )


def calculate(
    basis: RefundBasis,
    request: RefundRequest,
    policy: RefundPolicy | None = None,
    *,
    pay_back: Callable[[Credit], Money] | None = None,
) -> RefundQuote:
    """
    What the request would credit, what that sends back now, and to where.

    Args:
        basis: The facts before it.
        request: What is asked for.
        policy: What comes back with the units, and what is kept; the default keeps nothing.
        pay_back: Who knows more than *basis* says what is sent back after the credit: what earlier
            tenders were to pay may change with the debt, and the terms may forgive a little.

    Raises:
        InvalidRefundError: An earlier credit has the id of the request.
        UnknownLineError: A line, or a charge, is not in the order.
        InvalidSlotsError: A line has not so many slots.
        AlreadyCreditedError: A slot is credited already.
        CreditExceedsWorthError: More than what is credited is still worth.
        RefundExceedsHeldError: The tenders do not hold what is to be sent back.

    Source:
        RULES RF-1 to RF-5.
    """
    policy = RefundPolicy() if policy is None else policy
    build = _built(basis, request, policy)
    credit = build.credit()
    back = _after(basis, credit).to_pay_back if pay_back is None else pay_back(credit)
    return RefundQuote(
        request=request,
        credit=credit,
        maximum=build.maximum,
        pay_back=back,
        destinations=destinations(back, basis.tenders, policy.tenders) if basis.tenders else (),
        basis=fingerprint(basis),
        rows=tuple(build.rows),
    )


def _after(basis: RefundBasis, credit: Credit) -> RefundBasis:
    return evolve(basis, credits=(*basis.credits, credit), credited=None)


def cancel_credit(
    basis: RefundBasis, request: RefundRequest, policy: RefundPolicy | None = None
) -> Credit:
    """
    The credit of slots that never went out: all that they are worth, and their charges by policy.

    Raises:
        InvalidRefundError: The cause is not a cancel, a short pick or an expiry.
        AlreadyCreditedError: A slot is credited already.

    Source:
        RULES O-5, F-3, O-6.
    """
    refuse_unless(request, RefundRequest, "request")
    if request.cause not in {CreditCause.CANCELLED, CreditCause.SHORT, CreditCause.EXPIRED}:
        raise InvalidRefundError("cause", "units are cancelled, short or expired here")
    policy = RefundPolicy() if policy is None else policy
    return _built(basis, request, policy, explains=False).credit()


def _built(
    basis: RefundBasis, request: RefundRequest, policy: RefundPolicy, *, explains: bool = True
) -> Build:
    refuse_unless(basis, RefundBasis, "basis")
    refuse_unless(request, RefundRequest, "request")
    refuse_unless(policy, RefundPolicy, "policy")
    build = Build(
        priced=basis.priced,
        earlier=basis.credits,
        worth=Worth.after(basis.priced, basis.credits, basis.credited),
        request=request,
        policy=policy,
        explains=explains,
    )
    build.run()
    if any(credit.id == request.id for credit in basis.credits):
        raise InvalidRefundError("the request", "an earlier credit has its id")
    return build


def dispatched_worth(
    priced: PricedOrder, earlier: tuple[Credit, ...], dispatched: Mapping[LineId, SlotSet]
) -> Money:
    """
    What the dispatched slots are still worth, less goodwill, plus fees that were kept.

    Source:
        RULES RF-1: what may be claimed under capture at dispatch.
    """
    refuse_unless(priced, PricedOrder, "priced")
    refuse_unless_all(earlier, Credit, "credits")
    refuse_unless(dispatched, Mapping, "slots by line")
    worth = Worth.after(priced, earlier)
    return worth.total(dispatched) - placed_nowhere(priced.total, earlier)


def fingerprint(basis: RefundBasis) -> str:
    """
    A short name of the facts; another one means that a quote is stale (RULES RF-2).

    SHA-256 of a canonical text: the total, every credit, what went out, what is held and where.
    """
    refuse_unless(basis, RefundBasis, "basis")
    text = "\n".join(_facts(basis))
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(basis: RefundBasis) -> Iterator[str]:
    yield f"total {basis.priced.total}"
    for credit in basis.credits:
        yield f"credit {credit.id} {credit.amount}"
    if basis.dispatched is not None:
        yield "captured at dispatch"
        for line, slots in sorted(basis.dispatched.items()):
            yield f"dispatched {line} {slots.spans}"
    yield f"held {basis.held} {basis.in_flight} {basis.disputed} {basis.earlier_due}"
    for tender in basis.tenders:
        yield f"tender {tender.tender} {tender.room} {tender.closed} {tender.fallback}"
