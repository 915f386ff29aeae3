"""
How a credit is put together, step by step; behind `ordercore.refund.calculate`.

Units, charges, reductions, promotions, fees, goodwill: each step adds parts and the rows that
explain them, and counts them in the worth that the next step looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from ordercore.errors import NotFoundError, RefusedError
from ordercore.ids import LineId
from ordercore.money import Money, apportion_minor, checked_amount, follow, round_ratio
from ordercore.pricing.figures import line_figures
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder
from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet
from ordercore.refund._goodwill import GOODWILL, parts_of_goodwill, room_for_goods
from ordercore.refund._parts import of_owner, parts_of, split, total_of
from ordercore.refund._rows import charge_row, rows_of_charge, rows_of_units
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditPart,
    PriceReduction,
    RefundItem,
    RefundRequest,
    RefundRow,
)
from ordercore.refund.policy import (
    Fee,
    GiveBack,
    GoodsKept,
    GoodsReturned,
    PromotionRule,
    RefundPolicy,
)
from ordercore.refund.worth import PROMOTION, Key, Worth, slots_in_full

__all__ = [
    "AlreadyCreditedError",
    "Build",
    "CreditExceedsWorthError",
    "UnknownChargeError",
]

UNITS = "value of the units (M-7)"


@define
class AlreadyCreditedError(RefusedError):
    """A slot is credited at most once (RULES RF-1)."""

    sentence = "Some of these units of line {line} are credited already."
    line: str


@define
class CreditExceedsWorthError(RefusedError):
    """More would be credited than there is left (RULES RF-1)."""

    sentence = "{amount} cannot be credited on {name}: {left} is left of it."
    name: str
    amount: Money
    left: Money


@define
class UnknownChargeError(NotFoundError):
    """The order has no such charge."""

    sentence = "There is no charge {charge} in this order."
    charge: str


@define(kw_only=True)
class Build:
    """A credit in the making."""

    priced: PricedOrder
    earlier: tuple[Credit, ...]
    worth: Worth
    request: RefundRequest
    policy: RefundPolicy
    explains: bool = True
    parts: list[CreditPart] = field(factory=list[CreditPart])
    rows: list[RefundRow] = field(factory=list[RefundRow])

    @property
    def maximum(self) -> Money:
        """The most that could still be credited: charges less earlier credits."""
        return self._money(max(self.priced.total.minor - self._credited_before, 0))

    def run(self) -> None:
        """Take all steps, in the order that they build on one another."""
        for item in self.request.items:
            self._credit_units(item)
        if self.request.items:
            self._give_charges_back()
        for charge in self.request.charges:
            self._credit_charge(charge)
        for reduction in self.request.reductions:
            self._reduce(reduction)
        if self.request.items:
            self._deduct()
        if self.request.goodwill:
            self._grant(self.request.goodwill)
        self._settle_goodwill()

    def credit(self) -> Credit:
        """The credit with all parts."""
        return Credit(
            id=self.request.id,
            cause=self.request.cause,
            parts=tuple(self.parts),
            reason=self.request.reason,
        )

    # --- units and charges ---

    def _credit_units(self, item: RefundItem) -> None:
        line = self._open_line(item.line, item.slots)
        left = self.worth.left(line.id, item.slots)
        goods = of_owner(left, "")
        if self.explains:
            figures = line_figures(self.priced, line.id, item.slots)
            self.rows += rows_of_units(line, item.slots, figures, goods)
        self._add(line.id, item.slots, goods, rule=UNITS)
        for charge, _ in self.priced.borne.get(line.id, ()):
            mode = self.policy.gives_back(self.request.cause, charge.kind)
            if mode is GiveBack.IN_PROPORTION:
                self._give(charge, line.id, item.slots, of_owner(left, charge.id))

    def _open_line(self, line_id: LineId, slots: SlotSet) -> PricedLine:
        """The line, when all these slots exist and none is credited."""
        line = self.priced.line(line_id)
        if not slots <= line.slots:
            raise InvalidSlotsError(f"line {line.id} has the slots 0 to {line.quantity - 1} only")
        if not slots <= self.worth.open_of(line_id):
            raise AlreadyCreditedError(line_id)
        return line

    def _give_charges_back(self) -> None:
        """Charges that come back as a whole, with the first unit or the last (RULES RF-4)."""
        for charge in self.priced.charges:
            if self.policy.gives_back(self.request.cause, charge.kind) is GiveBack.ALWAYS:
                for share in charge.shares:
                    slots, left = self._left_of(charge, share.line)
                    self._give(charge, share.line, slots, left)
            elif not any(self.worth.open_of(share.line) for share in charge.shares):
                self._give_rest_back(charge)

    def _give_rest_back(self, charge: PricedCharge) -> None:
        """With the last unit: what units bear that came back before, unless it is kept."""
        came_back = self._came_back(charge)
        for share in charge.shares:
            slots, _ = self._left_of(charge, share.line)
            slots &= came_back.get(share.line, NO_SLOTS)
            left = of_owner(self.worth.left(share.line, slots), charge.id)
            self._give(charge, share.line, slots, left)

    def _came_back(self, charge: PricedCharge) -> dict[LineId, SlotSet]:
        """The slots credited for causes that give the charge back."""
        credits_so_far = [(one.cause, one.parts) for one in self.earlier]
        credits_so_far.append((self.request.cause, tuple(self.parts)))
        return slots_in_full(
            part
            for cause, parts in credits_so_far
            if self.policy.gives_back(cause, charge.kind) is not GiveBack.NEVER
            for part in parts
        )

    def _left_of(self, charge: PricedCharge, line: LineId) -> tuple[SlotSet, dict[Key, int]]:
        """The slots of a line that still bear the charge, and what is left of it there."""
        slots = self.worth.open_of(line, charge.id)
        return slots, of_owner(self.worth.left(line, slots), charge.id)

    def _give(
        self, charge: PricedCharge, line: LineId, slots: SlotSet, left: Mapping[Key, int]
    ) -> None:
        """Give back all that is left of a charge on some slots."""
        if any(left.values()):
            mode = self.policy.gives_back(self.request.cause, charge.kind)
            rule = f"{charge.kind.value} comes back: {mode.value.replace('_', ' ')}"
            self.rows.extend(rows_of_charge(charge, left, rule))
            self._add(line, slots, left, charge=charge, rule=rule)

    def _credit_charge(self, asked: ChargeCredit) -> None:
        """A charge by itself: all that is left of it, or an amount divided over who bears it."""
        charge = self._charge(asked.charge)
        lines = [(share.line, *self._left_of(charge, share.line)) for share in charge.shares]
        gross = [max(sum(left.values()), 0) for _, _, left in lines]
        there = self._money(sum(gross))
        amount = there if asked.amount is None else asked.amount
        if not amount or amount > there:
            raise CreditExceedsWorthError(charge.id, amount, there)
        rule = "asked for by itself"
        self.rows.append(charge_row(charge, amount, rule))
        for (line, slots, left), part in zip(
            lines, apportion_minor(amount.minor, gross), strict=True
        ):
            if part:
                amounts = split(part, left)
                self._add(line, slots, amounts, charge=charge, adjusts=True, rule=rule)

    def _charge(self, charge_id: str) -> PricedCharge:
        for charge in self.priced.charges:
            if charge.id == charge_id:
                return charge
        raise UnknownChargeError(charge_id)

    # --- what adjusts the worth of units that stay ---

    def _reduce(self, reduction: PriceReduction) -> None:
        line = self._open_line(reduction.line, reduction.slots)
        left = of_owner(self.worth.left(line.id, reduction.slots), "")
        there = self._money(sum(left.values()))
        if reduction.amount > there:
            raise CreditExceedsWorthError(f"line {line.id}", reduction.amount, there)
        rule = "price reduction"
        units = len(reduction.slots)
        self.rows.append(
            RefundRow(text=f"{units} × {line.sku}", amount=reduction.amount, rule=rule)
        )
        amounts = split(reduction.amount.minor, left)
        self._add(line.id, reduction.slots, amounts, adjusts=True, rule=rule)

    def _deduct(self) -> None:
        """What the customer gets less, because units come back."""
        for rule in self.policy.promotions:
            self._take_back(rule)
        for fee in self.policy.fees:
            self._keep(fee)

    def _take_back(self, rule: PromotionRule) -> None:
        """Take a discount back from the slots that stay, if they do not earn it (RULES RF-4)."""
        if self.request.cause not in rule.causes:
            return
        if rule.still_earned(self._kept()):
            return
        name = f"{PROMOTION}{rule.code}"
        lines = [line for line in self.priced.lines if _has(line, rule.code)]
        wanted = [self._not_earned(line, rule.code, name) for line in lines]
        minor = min(sum(wanted), max(total_of(self.parts), 0))
        if minor:
            taken = self._money(-minor)
            self.rows.append(RefundRow(text="No longer earned", amount=taken, rule=name))
            for line, part in zip(lines, apportion_minor(minor, wanted), strict=True):
                self._charge_promotion(line.id, part, rule.code, name)

    def _charge_promotion(self, line: LineId, part: int, code: str, name: str) -> None:
        if part:
            slots = self.worth.open_of(line)
            shares = split(part, of_owner(self.worth.left(line, slots), ""))
            amounts = {key: -minor for key, minor in shares.items()}
            self._add(line, slots, amounts, promotion=code, adjusts=True, rule=name)

    def _kept(self) -> GoodsKept:
        units_of: dict[LineId, int] = {}
        amount = Money.zero(self.priced.currency)
        for line in self.priced.lines:
            slots = self.worth.open_of(line.id)
            if slots:
                units_of[line.id] = len(slots)
                amount += line_figures(self.priced, line.id, slots).list_amount
        return GoodsKept(amount=amount, units=sum(units_of.values()), units_of=units_of)

    def _not_earned(self, line: PricedLine, code: str, name: str) -> int:
        """What the discount gave the slots that stay, with tax, less what was taken back."""
        slots = self.worth.open_of(line.id)
        if not slots:
            return 0
        figures = line_figures(self.priced, line.id, slots)
        given = sum(amount.minor for found, amount in figures.discounts if found == code)
        if not line.tax_included and figures.goods:
            given = follow(given, figures.gross.minor, figures.goods.minor)
        return max(given + self.worth.taken(line.id, slots, name), 0)

    # --- what belongs to no unit ---

    def _keep(self, fee: Fee) -> None:
        """Keep a fee, at most what is credited (RULES RF-4)."""
        if self.request.cause not in fee.causes:
            return
        said = checked_amount(fee.amount_kept(self._returned(fee)), f"fee {fee.name}")
        kept = min(said, self._money(max(total_of(self.parts), 0)))
        if not kept:
            return
        self.rows.append(RefundRow(text=fee.name, amount=-kept, rule=f"fee {fee.name}"))
        tax = 0
        if fee.tax is not None:
            rate = fee.tax.rate
            tax = round_ratio(kept.minor * rate.numerator, rate.denominator + rate.numerator)
            self._add_unplaced("tax", fee.tax.code, -tax, rule=f"fee {fee.name}")
        self._add_unplaced(fee.component, fee.name, tax - kept.minor, rule=f"fee {fee.name}")

    def _returned(self, fee: Fee) -> GoodsReturned:
        before = [_goods(one.parts) for one in self.earlier if one.cause in fee.causes]
        before = [parts for parts in before if parts]
        now = _goods(self.parts)
        return GoodsReturned(
            cause=self.request.cause,
            reason=self.request.reason,
            amount=self._money(total_of(now)),
            amount_before=self._money(sum(map(total_of, before))),
            units=_units(now),
            units_before=sum(map(_units, before)),
            returns_before=len(before),
        )

    def _grant(self, goodwill: Money) -> None:
        there = self._money(max(self.maximum.minor - total_of(self.parts), 0))
        if goodwill > there:
            raise CreditExceedsWorthError("the order", goodwill, there)
        self.rows.append(RefundRow(text="Goodwill", amount=goodwill, rule=GOODWILL))
        for component, code, minor in parts_of_goodwill(
            goodwill.minor, self.priced, is_taxed=self.policy.goodwill_taxed
        ):
            self._add_unplaced(component, code, minor, rule=GOODWILL)

    def _settle_goodwill(self) -> None:
        """Goodwill counts when everything comes back: never more than what was charged."""
        parts = [part for one in self.earlier for part in one.parts] + self.parts
        changes = tuple(room_for_goods(parts, self.priced))
        taken = sum(minor for _, _, minor in changes)
        if taken:
            amount = self._money(taken)
            self.rows.append(RefundRow(text="Goodwill given before", amount=amount, rule=GOODWILL))
        for component, code, minor in changes:
            self._add_unplaced(component, code, minor, rule=GOODWILL)

    # --- helpers ---

    @property
    def _credited_before(self) -> int:
        return sum(total_of(one.parts) for one in self.earlier)

    def _money(self, minor: int) -> Money:
        return Money(minor, self.priced.currency)

    def _add(
        self,
        line: LineId,
        slots: SlotSet,
        amounts: Mapping[Key, int],
        *,
        charge: PricedCharge | None = None,
        promotion: str = "",
        adjusts: bool = False,
        rule: str,
    ) -> None:
        parts = list(
            parts_of(
                amounts,
                currency=self.priced.currency,
                line=line,
                slots=slots,
                charge=charge,
                promotion=promotion,
                adjusts=adjusts,
                rule=rule,
            )
        )
        self.worth.add(parts)
        self.parts += parts

    def _add_unplaced(self, component: str, code: str, minor: int, *, rule: str) -> None:
        if minor:
            amount = self._money(minor)
            part = CreditPart(component=component, code=code, amount=amount, rule=rule)
            self.parts.append(part)


def _has(line: PricedLine, code: str) -> bool:
    return any(discount.code == code for discount in line.discounts)


def _goods(parts: Iterable[CreditPart]) -> list[CreditPart]:
    """The parts that credit goods in full: their net and their taxes."""
    return [part for part in parts if part.slots and not part.charge and not part.adjusts]


def _units(parts: Iterable[CreditPart]) -> int:
    return sum(len(part.slots) for part in parts if part.component == "goods")
