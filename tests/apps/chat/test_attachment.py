"""Files that come with questions and answers: asked, kept, remembered, served to their owner alone."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.chat.attachments import safe_name
from apps.chat.errors import AttachmentRefused, QuestionRefused, ReplyInProgress
from apps.chat.models import ChatAttachment, ChatMessage, ChatSession
from apps.chat.queries import latest_messages
from apps.chat.services import ask, delete_session
from apps.runtime.media import Media
from tests.apps.chat.serving import Browser, text_of
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.pictures import png
from tests.fakes.sounds import spoken, words_in

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

PNG = png(4, 3)
PICTURE = Media("image/png", PNG, "red.png")
QUESTION = spoken("When does the hall open?")
HEARING = {"spec__speech__recognition": {"connection": "fake", "name": "fake-ears"}}
SPEAKING = {"spec__speech__synthesis": {"connection": "fake", "name": "fake-voice", "voice": "x"}}

Talk = Callable[..., ChatSession]


def upload(name: str = "red.png", data: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "application/x-whatever")


def send(browser: Browser, session: ChatSession, text: str, *file: object, **fields: str) -> str:
    """The text of the reply, read from its stream to the end."""
    answer = browser.http.post(
        f"/chat/{session.pk}/send/",
        data={"text": text, **fields},
        files={"attachments": file} if file else None,
    )
    assert answer.status_code == 200, answer.text
    return text_of(browser.read(re.findall(r'data-src="([^"]+)', answer.text)[-1]))


def test_a_picture_is_seen_and_remembered(
    browser: Browser, talk_to: Talk, openai_server: FakeOpenAI
) -> None:
    session = talk_to("visual-chat")

    first = send(browser, session, "What is it?", "red.png", PNG)
    second = send(browser, session, "Which colour?")
    sent = openai_server.requests[-1].body["messages"]

    assert "a PNG picture of 4 x 3 pixels" in first
    assert "a PNG picture of 4 x 3 pixels" in second
    assert [len(turn["content"]) for turn in sent if isinstance(turn["content"], list)] == [2]
    row = ChatAttachment.objects.get()
    assert (row.kind, row.mime, row.name, row.size_bytes) == (
        "image",
        "image/png",
        "red.png",
        len(PNG),
    )


def test_a_spoken_question_gets_its_words_and_the_answer_its_sound(
    browser: Browser, talk_to: Talk
) -> None:
    session = talk_to("audio-chat", **HEARING, **SPEAKING)

    said = send(browser, session, "", "question.wav", QUESTION)
    question, reply = session.messages.order_by("ordinal")
    sound = reply.attachments.get()

    assert question.content == "When does the hall open?"
    assert said == reply.content == "You said: When does the hall open?"
    assert (sound.kind, sound.mime) == ("audio", "audio/wav")
    with sound.file.open("rb") as file:
        assert words_in(file.read()) == reply.content
    session.refresh_from_db()
    assert session.title == "question.wav"


def test_a_voice_that_fails_leaves_the_words_and_a_note(
    browser: Browser, bearer: dict[str, str], talk_to: Talk
) -> None:
    broken = {"spec__speech__synthesis": {"connection": "fake", "name": "fake-status503"}}
    session = talk_to("audio-chat", **HEARING, **broken)

    said = send(browser, session, "Hello there, everybody.")
    reply = session.messages.get(role="assistant")
    page = browser.http.get(f"/chat/messages/{reply.pk}/").text
    trace = browser.http.get(f"/chat/messages/{reply.pk}/trace/").text
    body = {"model": session.app_key, "messages": [{"role": "user", "content": "Hello there."}]}
    whole = browser.http.post("/v1/chat/completions", json=body, headers=bearer).json()
    rows = browser.http.get(f"/chat/api/sessions/{session.pk}/messages/", headers=bearer).json()

    told = "The answer could not be spoken. fake did not answer"
    assert said == reply.content == "You said: Hello there, everybody."
    assert (reply.status, reply.media_count) == ("complete", 0)
    assert page.count(told) == 1
    assert told in trace
    assert whole["choices"][0]["message"]["content"] == "You said: Hello there."
    assert whole["choices"][0]["message"]["notices"][0]["code"] == "service.unavailable"
    assert rows["results"][-1]["notices"] == reply.usage["notices"]


def test_an_answer_is_heard_before_it_has_ended(browser: Browser, talk_to: Talk) -> None:
    slow = {"spec__model": {"connection": "fake", "name": "fake-itl10"}}
    session = talk_to("audio-chat", **HEARING, **SPEAKING, **slow)
    text = " ".join(f"The hall opens at {hour} in the morning." for hour in range(12))
    answer = browser.http.post(f"/chat/{session.pk}/send/", data={"text": text})
    found = browser.read(re.findall(r'data-src="([^"]+)', answer.text)[-1])
    kinds = [event.name for event in found]
    sounds = [base64.b64decode(json.loads(one.data)) for one in found if one.name == "sound"]
    reply = session.messages.get(role="assistant")

    assert kinds.index("sound") < len(kinds) - 1 - kinds[::-1].index("token")
    assert " ".join(map(words_in, sounds)) == reply.content
    assert reply.attachments.count() == 1
    assert reply.usage["time_to_first_sound_ms"] < reply.usage["duration_ms"]


def test_fields_reach_the_application(browser: Browser, talk_to: Talk) -> None:
    session = talk_to("translation")
    said = send(browser, session, "Hello", **{"field-target": "French"})

    assert session.messages.get(role="assistant").fields == {"target": "French"}
    assert said == "(French) Hello"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.png", b"", "it is empty"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("a.exe", b"MZ\x90\x00\x03\x00\x00\x00", "program"),
        ("notes.txt", b"Some words.", "App takes pictures"),
        ("say.wav", QUESTION, "App takes pictures"),
        ("big.png", PNG + b"\0" * (10 * 2**20), "larger than 10 MiB"),
    ],
)
def test_what_the_application_does_not_take_is_refused(
    name: str, data: bytes, reason: str, talk_to: Talk
) -> None:
    session = talk_to("visual-chat")

    with pytest.raises(AttachmentRefused, match=reason):
        ask(session=session, text="What is it?", media=[Media("image/png", data, name)])
    assert not session.messages.exists()


def test_too_many_files_and_nothing_at_all_are_refused(talk_to: Talk) -> None:
    session = talk_to("visual-chat")

    with pytest.raises(QuestionRefused):
        ask(session=session, text="x", media=[PICTURE] * 5)
    with pytest.raises(QuestionRefused):
        ask(session=session, text=" ")


def test_the_form_says_what_is_refused(owner_client: Client, talk_to: Talk) -> None:
    session = talk_to("visual-chat")
    url = reverse("chat:send", args=[session.pk])
    files = {"text": "x", "attachments": upload("say.wav", QUESTION)}

    assert owner_client.post(url, files).status_code == 422
    assert owner_client.post(url, {"text": ""}).status_code == 422
    assert owner_client.post(url, {"text": "", "attachments": upload()}).status_code == 302


def test_only_the_owner_gets_the_file(
    owner: User, owner_client: Client, client: Client, stranger: User, talk_to: Talk
) -> None:
    question, _ = ask(session=talk_to("visual-chat"), text="x", media=[PICTURE])
    url = question.attachments.get().get_absolute_url()
    response = owner_client.get(url)

    assert b"".join(response.streaming_content) == PNG
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Content-Disposition"] == 'inline; filename="red.png"'
    assert client.get(url).status_code == 302
    client.force_login(stranger)
    assert client.get(url).status_code == 404
    assert owner_client.post(url).status_code == 405


def test_documents_are_downloaded_never_shown(owner_client: Client, talk_to: Talk) -> None:
    page = Media("text/html", b"<!doctype html><html><script>alert(1)</script></html>", "a.html")
    question, _ = ask(session=talk_to("translation"), text="", media=[page])
    response = owner_client.get(question.attachments.get().get_absolute_url())

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="a.html"'


def test_a_deleted_conversation_takes_its_files_along(
    talk_to: Talk, django_capture_on_commit_callbacks
) -> None:
    session = talk_to("visual-chat")
    question, _ = ask(session=session, text="x", media=[PICTURE])
    path = Path(question.attachments.get().file.path)
    assert path.is_file()

    with django_capture_on_commit_callbacks(execute=True):
        delete_session(session=session)

    assert not path.exists()


def test_a_question_that_is_refused_late_leaves_no_file(
    talk_to: Talk, settings: SettingsWrapper
) -> None:
    session = talk_to("visual-chat")
    ask(session=session, text="x")
    folder = Path(settings.MEDIA_ROOT) / "attachments"
    before = [path for path in folder.rglob("*") if path.is_file()]

    with pytest.raises(ReplyInProgress):
        ask(session=session, text="y", media=[PICTURE])

    assert ChatAttachment.objects.count() == 0
    assert [path for path in folder.rglob("*") if path.is_file()] == before


def test_messages_without_files_cost_no_query(
    talk_to: Talk, django_assert_num_queries, owner_client: Client
) -> None:
    session = talk_to("visual-chat")
    ask(session=session, text="x")
    ChatMessage.objects.filter(role="assistant").update(status="complete", content="y")

    with django_assert_num_queries(1):
        rows, _ = latest_messages(session)
        assert [row.media_count for row in rows] == [0, 0]


# APIs


@pytest.fixture
def bearer(owner: User) -> dict[str, str]:
    _, token = create_token(user=owner, name="tests")
    return {"Authorization": f"Bearer {token}"}


def test_api_takes_files_and_fields(
    browser: Browser, bearer: dict[str, str], talk_to: Talk
) -> None:
    session = talk_to("visual-chat")
    url = f"/chat/api/sessions/{session.pk}/messages/"
    file = {"base64": base64.b64encode(PNG).decode(), "name": "red.png"}
    body = {"text": "", "attachments": [file], "fields": {"any": "thing"}}

    made = browser.http.post(url, json=body, headers=bearer)
    listed = browser.http.get(url, headers=bearer).json()["results"]
    fetched = browser.http.get(listed[0]["attachments"][0]["url"], headers=bearer)

    assert made.status_code == 201, made.text
    assert "a PNG picture of 4 x 3 pixels" in made.json()["content"]
    assert listed[0]["attachments"][0]["mime"] == "image/png"
    assert listed[1]["attachments"] == []
    assert fetched.content == PNG


@pytest.mark.parametrize(
    "body",
    [
        {"text": 5},
        {"text": "x", "attachments": {"base64": "x"}},
        {"text": "x", "attachments": [{"base64": "not base64!"}]},
        {"text": "x", "fields": {"target": 5}},
    ],
)
def test_api_refuses_what_is_no_file(
    browser: Browser, bearer: dict[str, str], talk_to: Talk, body: dict[str, object]
) -> None:
    url = f"/chat/api/sessions/{talk_to('visual-chat').pk}/messages/"

    assert browser.http.post(url, json=body, headers=bearer).status_code == 422


def test_completions_take_parts_and_give_sound(
    browser: Browser, bearer: dict[str, str], talk_to: Talk
) -> None:
    session = talk_to("audio-chat", **HEARING, **SPEAKING)
    sound = {"data": base64.b64encode(QUESTION).decode(), "format": "wav"}
    content = [{"type": "input_audio", "input_audio": sound}]
    body = {"model": session.app_key, "messages": [{"role": "user", "content": content}]}

    whole = browser.http.post("/v1/chat/completions", json=body, headers=bearer)
    streamed = browser.http.post(
        "/v1/chat/completions", json=body | {"stream": True}, headers=bearer
    )
    message = whole.json()["choices"][0]["message"]
    last = [json.loads(line[6:]) for line in streamed.text.splitlines() if line[6:7] == "{"][-1]

    assert message["content"] == "You said: When does the hall open?"
    for audio in (message["audio"], last["choices"][0]["delta"]["audio"]):
        assert audio["transcript"] == message["content"]
        assert words_in(base64.b64decode(audio["data"])) == message["content"]


def test_completions_take_pictures_as_data_urls_only(
    browser: Browser, bearer: dict[str, str], talk_to: Talk
) -> None:
    session = talk_to("visual-chat")

    def posted(url: str):
        content = [{"type": "image_url", "image_url": {"url": url}}]
        body = {"model": session.app_key, "messages": [{"role": "user", "content": content}]}
        return browser.http.post("/v1/chat/completions", json=body, headers=bearer)

    seen = posted(PICTURE.data_url).json()["choices"][0]["message"]["content"]
    assert "a PNG picture of 4 x 3 pixels" in seen
    assert posted("https://example.org/a.png").status_code == 400
    assert posted("data:image/png;base64,%%%").status_code == 422
    sound = Media("audio/wav", QUESTION).data_url
    assert posted(sound).status_code == 400


def test_names_are_made_safe() -> None:
    assert safe_name("C:\\a\\..\\b<c>\r\n.png") == "b c .png"
    assert safe_name("../../etc/passwd") == "passwd"


def test_large_bodies_are_read_of_token_holders_only(browser: Browser, talk_to: Talk) -> None:
    session = talk_to("visual-chat")
    padding = "x" * 2_000_000
    body = {"model": session.app_key, "messages": [{"role": "user", "content": padding}]}

    assert browser.http.post("/v1/chat/completions", json=body).status_code == 401


def test_a_large_picture_takes_the_ordinary_way(browser: Browser, talk_to: Talk) -> None:
    session = talk_to("visual-chat")
    large = PNG + b"\0" * 3_000_000

    assert "a PNG picture of 4 x 3 pixels" in send(browser, session, "x", "large.png", large)


def test_the_form_refuses_files_beyond_every_limit(owner_client: Client, talk_to: Talk) -> None:
    url = reverse("chat:send", args=[talk_to("visual-chat").pk])
    files = {"text": "x", "attachments": upload("big.png", PNG + b"\0" * (25 * 2**20))}
    response = owner_client.post(url, files)

    assert response.status_code == 422
    assert "larger than 25 MiB" in response.content.decode()
