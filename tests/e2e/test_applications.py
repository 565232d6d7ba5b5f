"""Each application from the wizard to an answer in its sandbox, in a real browser with a microphone of its own.

The steps build on each other and run in this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright

from tests.e2e.browser import ARGUMENTS, ARTIFACTS, Look, launch
from tests.e2e.conftest import Running
from tests.e2e.steps import become_admin, connect
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.pictures import png
from tests.fakes.sounds import spoken, tone

ANSWERED_MS = 30_000
LARGE_S = 400
"""A recording of 3.2 MB."""
SLOW_BYTES_PER_S = 1_000_000
CODE = "Here it is:\n\n```python\ndef squares(n):\n    return [i * i for i in range(n)]\n```\n"
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = launch(playwright, [*ARGUMENTS, *MICROPHONE])
        made = browser.new_context(
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce", accept_downloads=True
        )
        made.grant_permissions(["clipboard-read", "clipboard-write"])
        made.set_default_timeout(15_000)
        yield made
        browser.close()


def build(studio: Running, page: Page, application: str, title: str) -> None:
    """From an empty form to the sandbox of a built version; what is not said stays as proposed."""
    page.goto(f"{studio.url}/projects/new/")
    page.locator(f"[name=application][value={application}]").check()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/wizard/model/")
    page.locator("[name=connection][value=house]").check()
    page.locator("[name=model_house]").select_option("fake-model")
    while not page.url.endswith("/wizard/review/"):
        here = page.url
        if here.endswith("/wizard/speech/"):
            speech(page)
        page.get_by_role("main").get_by_role("button", name="Next").or_(
            page.get_by_role("button", name="Review", exact=True)
        ).first.click()
        page.wait_for_url(lambda url, here=here: url != here)
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def speech(page: Page) -> None:
    page.locator("[name=recognition]").select_option("house")
    page.locator("[name=recognition_model]").fill("fake-ears")
    page.locator("[name=synthesis]").select_option("house")
    page.locator("[name=synthesis_model]").fill("fake-voice")
    page.locator("[name=voice]").fill("alloy")


def answer(page: Page, number: int = 1) -> Locator:
    """The number-th answer of the conversation, whole."""
    replies = page.locator("article.chat-reply[data-status=complete]")
    expect(replies).to_have_count(number, timeout=ANSWERED_MS)
    return replies.last


def attach(page: Page, name: str, mime: str, data: bytes) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach").click()
    chooser.value.set_files({"name": name, "mimeType": mime, "buffer": data})
    expect(page.get_by_label("Files to be sent")).to_contain_text(name)


def send(page: Page, text: str = "") -> None:
    if text:
        page.get_by_label("Your question").fill(text)
    page.get_by_role("button", name="Send").click()


def test_a_connection_is_made(studio: Running, page: Page, model_server: FakeOpenAI) -> None:
    become_admin(studio, page)
    connect(studio, page, "House", model_server.url)


def test_visual_chat_answers_about_a_picture(studio: Running, page: Page, look: Look) -> None:
    build(studio, page, "visual-chat", "Picture desk")
    look("70-visual-chat-empty", sizes=("wide", "narrow"))
    attach(page, "facade.png", "image/png", png(320, 200, (60, 120, 190)))
    look("71-visual-chat-attached", sizes=("wide", "narrow"))
    send(page, "What is it?")
    expect(answer(page)).to_contain_text("a PNG picture of 320 x 200 pixels")
    picture = page.get_by_role("link", name="facade.png")
    assert (
        picture.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
        == 320
    )
    look("72-visual-chat-answer")
    picture.click()
    expect(page.get_by_role("dialog", name="facade.png")).to_be_visible()
    look("73-picture", sizes=("wide", "narrow"))
    page.get_by_role("dialog", name="facade.png").get_by_role("button", name="Close").click()
    expect(picture).to_be_focused()


def test_pictures_are_pasted_and_what_is_not_taken_is_said(page: Page) -> None:
    page.get_by_label("Your question").evaluate(
        """(field, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
            data.items.add(new File(["words"], "notes.txt", {type: "text/plain"}));
            field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }""",
        list(png(8, 8)),
    )
    expect(page.get_by_label("Files to be sent")).to_contain_text("pasted.png")
    expect(page.locator("#composer-errors")).to_contain_text("notes.txt: not taken here.")
    page.get_by_role("button", name="Remove pasted.png").click()
    expect(page.get_by_label("Files to be sent")).to_be_hidden()
    send(page, "And which colour?")
    expect(answer(page, 2)).to_contain_text("a PNG picture of 320 x 200 pixels")


def test_pictures_are_dropped_and_too_large_ones_refused(page: Page) -> None:
    page.locator(".chat-main").evaluate(
        """(place, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
            data.items.add(new File([new Uint8Array(11 * 2 ** 20)], "big.png", {type: "image/png"}));
            for (const name of ["dragover", "drop"]) {
                place.dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
            }
        }""",
        list(png(8, 8)),
    )
    expect(page.get_by_label("Files to be sent")).to_contain_text("dropped.png")
    expect(page.locator("#composer-errors")).to_contain_text("big.png: larger than 10 MiB.")
    page.get_by_role("button", name="Remove dropped.png").click()
    expect(page.get_by_label("Your question")).to_be_focused()


def test_audio_chat_hears_a_file_and_speaks(studio: Running, page: Page, look: Look) -> None:
    build(studio, page, "audio-chat", "Phone desk")
    look("74-audio-chat-empty", sizes=("wide", "narrow"))
    attach(page, "question.wav", "audio/wav", spoken("When does the hall open?"))
    send(page)
    reply = answer(page)
    expect(reply).to_contain_text("You said: When does the hall open?")
    expect(page.locator(".chat-said")).to_have_text("When does the hall open?")
    sound = reply.locator("audio")
    seconds = sound.evaluate(
        "audio => new Promise(done => audio.readyState ? done(audio.duration)"
        " : audio.addEventListener('loadedmetadata', () => done(audio.duration)))"
    )
    assert seconds > 1
    assert sound.evaluate("audio => audio.autoplay || !audio.paused") is False
    sound.evaluate("audio => audio.play().then(() => audio.pause())")
    look("75-audio-chat-answer")


def test_speech_is_recorded_by_keyboard_and_escape_cancels(page: Page, look: Look) -> None:
    record = page.get_by_role("button", name="Record", exact=True)
    record.press("Enter")
    expect(page.get_by_role("group", name="Recording")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Recording")).to_be_hidden()
    expect(record).to_be_focused()
    expect(page.get_by_label("Files to be sent")).to_be_hidden()

    record.press("Enter")
    level = page.get_by_label("Level of the microphone")
    page.wait_for_function("meter => meter.value > 0", arg=level.element_handle())
    expect(page.locator("[data-clock]")).to_have_text("0:01")
    look("76-recording", sizes=("wide", "narrow"))
    page.get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_label("Files to be sent")).to_contain_text("recording-")
    expect(page.get_by_role("button", name="Send")).to_be_focused()


def test_a_recording_is_heard_and_discarded_before_it_is_sent(page: Page, look: Look) -> None:
    tray = page.get_by_label("Files to be sent")
    sound = tray.locator("audio")
    page.wait_for_function("sound => sound.duration > 0", arg=sound.element_handle())
    sound.focus()
    page.keyboard.press("Space")
    page.wait_for_function(
        "sound => sound.currentTime > 0 || sound.ended", arg=sound.element_handle()
    )
    look("76b-recording-heard", sizes=("wide", "narrow"))
    page.get_by_role("button", name="Remove recording-").press("Enter")
    expect(tray).to_be_hidden()
    expect(page.get_by_label("Your question")).to_be_focused()

    page.get_by_role("button", name="Record", exact=True).press("Enter")
    expect(page.locator("[data-clock]")).to_have_text("0:01")
    page.get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(answer(page, 2)).to_contain_text("You said: a sound of")


def test_the_upload_of_a_large_file_shows_how_far_it_is(page: Page, look: Look) -> None:
    line = page.context.new_cdp_session(page)
    attach(page, "long.wav", "audio/wav", tone(LARGE_S))
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": SLOW_BYTES_PER_S})
    send(page)
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_visible()
    page.wait_for_function("bar => bar.value > 20 && bar.value < 100", arg=bar.element_handle())
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.screenshot(path=ARTIFACTS / "76c-upload-wide-light.png")
    line.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})
    line.detach()
    expect(answer(page, 3)).to_contain_text("You said: a sound of")
    expect(bar).to_be_hidden()
    expect(page.get_by_label("Files to be sent")).to_be_hidden()


def test_a_refused_microphone_is_said(page: Page) -> None:
    page.evaluate(
        """() => {
            const refused = new DOMException("no", "NotAllowedError");
            navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
        }"""
    )
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#composer-errors")).to_contain_text("not allowed to use the microphone")


def test_translation_goes_into_the_language_that_is_chosen(
    studio: Running, page: Page, look: Look
) -> None:
    build(studio, page, "translation", "Letters")
    look("77-translation-empty")
    page.get_by_label("Into").fill("French")
    send(page, "Good morning.")
    expect(answer(page)).to_contain_text("(French) Good morning.")
    expect(page.locator(".chat-beside")).to_contain_text("French")
    expect(page.get_by_label("Into")).to_have_value("French")
    look("78-translation-answer")
    page.reload()
    expect(page.get_by_label("Into")).to_have_value("French")


def test_an_uploaded_document_is_summarised(
    studio: Running, page: Page, look: Look, tmp_path: Path
) -> None:
    build(studio, page, "summarizer", "Digest")
    look("79-summarizer-empty", sizes=("wide",))
    text = "# Opening\n\nThe hall opens at nine. " + "It is warm inside. " * 40
    attach(page, "hall.md", "text/markdown", text.encode())
    send(page)
    assert answer(page).locator(".chat-answer").inner_text().strip() != ""
    with page.expect_download() as download:
        page.locator(".chat-document").click()
    assert download.value.suggested_filename == "hall.md"
    look("80-summarizer-answer", sizes=("wide", "narrow"))


@pytest.mark.parametrize(
    ("application", "title"), [("code-gen", "Coder"), ("code-trans", "Porter")]
)
def test_code_is_labelled_and_copied(
    studio: Running,
    page: Page,
    look: Look,
    model_server: FakeOpenAI,
    application: str,
    title: str,
) -> None:
    build(studio, page, application, title)
    look(f"81-{application}-empty", sizes=("wide", "narrow"))
    model_server.behaviour = Behaviour(ttft_ms=20, itl_ms=1, reply=CODE)
    send(page, "for (let i = 0; i < n; i++) out.push(i * i);")
    code = answer(page).locator(".chat-code")
    expect(code.locator(".chat-code-head")).to_contain_text("Python")
    code.get_by_role("button", name="Copy this code").click()
    expect(page.get_by_text("Copied.").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == CODE.split("```")[1].removeprefix(
        "python\n"
    )
    look(f"82-{application}-answer", sizes=("wide", "narrow"))


def test_questions_are_answered(studio: Running, page: Page, model_server: FakeOpenAI) -> None:
    model_server.behaviour = Behaviour(ttft_ms=20, itl_ms=5)
    build(studio, page, "qna", "Desk")
    send(page, "Who are you?")
    expect(answer(page)).to_contain_text("Who are you?")


def test_without_a_script_a_plain_field_takes_files(studio: Running, page: Page) -> None:
    page.goto(f"{studio.url}/projects/")
    page.get_by_role("link", name="Picture desk").first.click()
    page.wait_for_url("**/projects/**")
    sandbox = page.url.partition("?")[0].rstrip("/") + "/sandbox/"
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    blank = plain.new_page()
    blank.goto(sandbox)
    blank.get_by_label("Files", exact=True).set_input_files(
        {"name": "sky.png", "mimeType": "image/png", "buffer": png(5, 5)}
    )
    blank.get_by_label("Your question").fill("What is it?")
    blank.get_by_role("button", name="Send").click()
    expect(blank.get_by_role("link", name="sky.png").first).to_be_visible()
    plain.close()
