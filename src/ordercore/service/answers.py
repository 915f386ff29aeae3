"""What came of a call to the gateway, as a report: whatever a host's code raises is no answer."""

from __future__ import annotations

from typing import get_args

from ordercore.facts import Report
from ordercore.payment.answers import Answer, LookUpAnswer, Unknown
from ordercore.payment.commands import ReportAnswer
from ordercore.service.effects import AskGateway, Now, SendToGateway, where

__all__ = ["answered"]


async def answered(effect: SendToGateway | AskGateway) -> Report:
    """Send or ask; only answers of the two unions count as such."""
    expected: object = LookUpAnswer if isinstance(effect, AskGateway) else Answer
    answer: LookUpAnswer
    try:
        answer = await effect
    except Exception as error:  # noqa: BLE001  # whatever a host's gateway raises: no answer
        answer = Unknown(reason=where(error))
    if not isinstance(answer, get_args(expected)):
        answer = Unknown(reason=f"the gateway answered with {type(answer).__name__}")
    return ReportAnswer(key=effect.request.key, answer=answer, at=await Now())
