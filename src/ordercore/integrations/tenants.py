"""
For whom a message from outside is meant: which account of the sender, and live or test.

A signature proves who sent a message, not for whom. One endpoint often serves several accounts,
and a test system that knows the secret of the live one can speak to it.
"""

from __future__ import annotations

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.ids import checked_id

__all__ = ["InvalidTenantError", "Tenant", "TenantMismatchError"]


@define
class TenantMismatchError(RefusedError):
    """The message is meant for somebody else; nothing of it may be believed here."""

    sentence = "The message is not meant for this shop: {problem}."
    problem: str


@define
class InvalidTenantError(InvalidValueError):
    """What was given as a tenant is none."""

    sentence = "The tenant cannot be used: {problem}."
    problem: str


def _account(value: str | None) -> str | None:
    return None if value is None else checked_id(value, "account")


@frozen(kw_only=True)
class Tenant:
    """
    Whose messages are taken.

    ``account`` is the sender's own name of the account; None: messages that name no account, as
    those of the endpoint's own one do. ``is_live`` is whether real money moves.

    Source:
        RULES X-2.

    >>> Tenant(account="acct_1", is_live=True).check("acct_1", is_live=True)
    """

    account: str | None = field(default=None, converter=_account)
    is_live: bool

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.is_live) is not bool:
            raise InvalidTenantError("whether it is live must be True or False")

    def check(self, account: str | None, *, is_live: bool | None) -> None:
        """
        Let a message through that is meant for this tenant.

        Args:
            account: The account that the message names, if it names one.
            is_live: Whether it says that it is live; None where it does not say.

        Raises:
            TenantMismatchError: Another account, test in live, live in test, or no word about it.
        """
        if account != self.account:
            raise TenantMismatchError("it names another account")
        if is_live is None:
            raise TenantMismatchError("it does not say whether it is live")
        if is_live is not self.is_live:
            raise TenantMismatchError("it is of test mode" if self.is_live else "it is live")
