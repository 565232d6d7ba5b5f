"""What the composer offers, by what an application takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.chat.gateway import ChatApp
from apps.chat.models import ChatMessage, ChatSession
from apps.chat.offers import offer_of, said_beside
from apps.chat.services import ask

Talk = Callable[..., ChatSession]


def page_of(client: Client, session: ChatSession) -> str:
    return client.get(reverse("chat:session", args=[session.pk]), follow=True).content.decode()


def test_plain_applications_offer_text_alone() -> None:
    offer = offer_of(ChatApp("k", "App", application="qna"))

    assert (offer.accept, offer.files, offer.records, offer.fields) == ("", "", False, ())
    assert offer.words.placeholder == "Ask a question"


def test_files_are_said_with_their_limits() -> None:
    offer = offer_of(ChatApp("k", "App", takes=("image", "audio")))

    assert offer.files == "Pictures up to 10 MiB, sound up to 25 MiB; at most 4 files."
    assert offer.limits == {"image": 10 * 2**20, "audio": 25 * 2**20}
    assert offer.records
    assert offer.accept.startswith("image/png,image/jpeg")


def test_own_words_come_before_those_of_the_kind() -> None:
    app = ChatApp("k", "App", description="Ours.", application="translation", placeholder="Say it")

    assert offer_of(app).words.placeholder == "Say it"
    assert offer_of(app).words.greeting == "Ours."
    assert offer_of(ChatApp("k", "App", application="translation")).words.greeting.startswith(
        "Paste a text"
    )


def test_fields_keep_what_the_conversation_said_last() -> None:
    app = ChatApp("k", "App", application="code-trans", fields={"source": "", "target": "Python"})
    source, target = offer_of(app, {"target": "Rust"}).fields

    assert (source.label, source.value, source.hint) == ("From", "", "found out")
    assert (target.label, target.value) == ("Into", "Rust")
    assert "Kotlin" in target.choices
    spoken, words = offer_of(ChatApp("k", "A", fields={"target": "", "words": "150"})).fields
    assert "German" in spoken.choices
    assert (words.label, words.value, words.choices) == ("Words", "150", ())


def test_empty_fields_are_not_shown_on_the_question() -> None:
    assert said_beside({"source": " ", "target": "French", "tone_of": "dry"}) == [
        ("Into", "French"),
        ("Tone of", "dry"),
    ]


def test_a_question_shows_its_fields_and_the_next_one_has_them(
    owner_client: Client, talk_to: Talk
) -> None:
    session = talk_to("translation")
    ask(session=session, text="Hello", fields={"source": "", "target": "French"})
    html = page_of(owner_client, session)

    assert '<dl class="chat-beside"><div><dt>Into</dt><dd>French</dd></div></dl>' in html
    assert 'name="field-target" value="French"' in html
    assert "Paste a text to translate" in html


@pytest.mark.parametrize(
    ("application", "attaches", "records"),
    [("visual-chat", True, False), ("audio-chat", True, True), ("code-gen", False, False)],
)
def test_the_composer_has_what_the_application_takes(
    application: str, attaches: bool, records: bool, owner_client: Client, talk_to: Talk
) -> None:
    speech = {"spec__speech__recognition": {"connection": "fake", "name": "fake-ears"}}
    session = talk_to(application, **(speech if records else {}))
    html = page_of(owner_client, session)

    assert ("data-attach" in html, 'type="file"' in html) == (attaches, attaches)
    assert ('enctype="multipart/form-data"' in html) is attaches
    assert (" data-record>" in html) is records


def test_the_trace_shows_skipped_steps_last(owner_client: Client, talk_to: Talk) -> None:
    session = talk_to("visual-chat")
    _, reply = ask(session=session, text="x")
    trace = [
        {"node": "switch", "skipped": True},
        {
            "node": "vision",
            "component": "vision-model",
            "duration_ms": 12.0,
            "notes": {"pictures": 1, "size_bytes": 1500},
            "in": {"image": {"mime": "image/png", "name": "a.png", "size_bytes": 1500}},
            "out": {"messages": [{"role": "user", "content": "x", "media": []}], "answer": ""},
        },
    ]
    ChatMessage.objects.filter(pk=reply.pk).update(status="complete", content="y", trace=trace)
    html = owner_client.get(reverse("chat:trace", args=[reply.pk])).content.decode()

    assert html.index(">vision<") < html.index(">switch<")
    assert "On a branch that this question did not take." in html
    assert "<dt>Size</dt><dd>1.5 kB</dd>" in html
    assert "<dd>a.png, image/png, 1.5 kB</dd>" in html
    assert "<dd>user: x</dd>" in html


def test_a_starter_brings_its_file_or_waits_for_one() -> None:
    app = ChatApp(
        key="a",
        title="Pictures",
        application="visual-chat",
        starters=("What is left of it?", "What was paid?"),
        enclosed={"What was paid?": "/receipt.png"},
    )

    waiting, bringing = offer_of(app).starters

    assert (waiting.text, waiting.enclosed) == ("What is left of it?", "")
    assert waiting.waits.startswith("Attach the picture")
    assert (bringing.enclosed, bringing.waits) == ("/receipt.png", "")
