"""Questions about pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from apps.runtime.adapters.base import Adapter, Step
from apps.runtime.adapters.generation import LlmParams, written
from apps.runtime.errors import UserFault
from apps.runtime.events import Event
from apps.runtime.media import Media
from apps.runtime.opea_streams import OpeaStream
from apps.runtime.openai import ChatStream
from apps.runtime.prompt import bounded
from apps.runtime.resources import Turn

DESCRIBE = "Describe this picture."
"""Asked where a picture came without words."""
LVM_MOST_TOKENS = 1024
"""OPEA's lvm refuses to write more."""


class PictureMissing(UserFault):
    code = "run.picture-missing"
    sentence = "There is no picture to look at. Attach one to the question."


class VisionParams(LlmParams):
    instruction: str = ""


async def look(step: Step) -> AsyncIterator[Event]:
    """Sends the conversation with its pictures, so that a later question may be about an earlier one."""
    params = step.given(VisionParams)
    history = bounded(step.history, media=True)
    asked = Turn("user", step.inputs.get("question") or DESCRIBE, _pictures(step))
    if not asked.media and not any(turn.media for turn in history):
        raise PictureMissing
    system = [Turn("system", params.instruction.strip())] if params.instruction.strip() else []
    messages = (*system, *history, asked)
    stream = ChatStream(
        step.server(params.server), params.model, messages, params.sampling(step.request.sampling)
    )
    async for event in written(step, stream, messages):
        yield event
    step.noted["pictures"] = sum(len(turn.media) for turn in messages)


async def ask_lvm(step: Step) -> AsyncIterator[Event]:
    """OPEA's lvm takes one picture and one prompt: the newest picture, and the conversation as text."""
    params = step.given(VisionParams)
    history = bounded(step.history, media=True)
    pictures = [*(one for turn in history for one in turn.media), *_pictures(step)[:1]]
    if not pictures:
        raise PictureMissing
    sampling = params.sampling(step.request.sampling)
    longest = min(sampling.max_tokens or LVM_MOST_TOKENS, LVM_MOST_TOKENS)
    body: dict[str, Any] = {
        "image": pictures[-1].base64,
        "prompt": _prompt(params.instruction, history, step.inputs.get("question") or DESCRIBE),
        "max_new_tokens": longest,
        "stream": True,
        **{
            name: value
            for name, value in (
                ("temperature", sampling.temperature),
                ("top_p", sampling.top_p),
                ("top_k", sampling.top_k),
            )
            if value is not None
        },
    }
    stream = OpeaStream(step.server(params.server), "v1/lvm", body)
    async for event in written(step, stream, (Turn("user", body["prompt"]),)):
        yield event
    step.noted["pictures"] = 1


def _pictures(step: Step) -> tuple[Media, ...]:
    """The picture that the graph hands on; the others that came with the question beside it."""
    first: Media | None = step.inputs.get("image")
    if first is None:
        return ()
    together = [one for one in step.request.turns[-1].media if one.kind == "image"]
    return tuple(together) if first in together else (first,)


def _prompt(instruction: str, history: tuple[Turn, ...], question: str) -> str:
    said = [f"{turn.role}: {turn.content}" for turn in history if turn.content.strip()]
    lines = [instruction.strip(), *said, f"user: {question}" if said else question]
    return "\n".join(line for line in lines if line)


OPENAI_VISION = Adapter("openai-vision", look, VisionParams, speaks=True, needs="image")
OPEA_LVM = Adapter(
    "opea-lvm",
    ask_lvm,
    VisionParams,
    speaks=True,
    needs="image",
    most={"max_tokens": LVM_MOST_TOKENS},
)
