"""What came of a call to the gateway, as a report: whatever a host's code raises is no answer."""

from __future__ import annotations

from typing import get_args

from attrs import evolve

from ordercore.errors import InvalidValueError
from ordercore.facts import Report
from ordercore.payment.answers import Answer, LookUpAnswer, Unknown
from ordercore.payment.commands import ReportAnswer
from ordercore.service.effects import AskGateway, Now, SendToGateway, where

__all__ = ["answered"]


async def answered(effect: SendToGateway | AskGateway) -> Report:
    """Send or ask; only answers of the two unions count as such, with fields that are sound."""
    expected: object = LookUpAnswer if isinstance(effect, AskGateway) else Answer
    answer: LookUpAnswer
    try:
        answer = await effect
        if type(answer) in get_args(expected):
            answer = evolve(answer)  # made anew, so that each field is checked once more
        else:
            answer = Unknown(reason=f"the gateway answered with {type(answer).__name__}")
    except InvalidValueError as error:
        answer = Unknown(reason=f"{where(error)}: {error}")
    except Exception as error:  # noqa: BLE001  # whatever a host's gateway raises: no answer
        answer = Unknown(reason=where(error))
    return ReportAnswer(key=effect.request.key, answer=answer, at=await Now())
