"""Redirects, notices and errors, for a browser, for htmx and for programs."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path
from django.views.decorators.csrf import csrf_protect
from django_htmx.middleware import HtmxDetails

from apps.runtime.errors import Conflict, NotAllowed, ServiceUnavailable
from apps.ui import views
from apps.ui.http import hx_redirect, page

HTMX = {"HTTP_HX_REQUEST": "true"}


class TooSlow(Conflict):
    code = "test.too-slow"
    sentence = "“{name}” was changed by somebody else."


class Locked(NotAllowed):
    code = "test.locked"
    sentence = "Uploads are switched off."


def notice(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Saved äöü.")
    return HttpResponse("<p>ok</p>")


def moved(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Moved.")
    response = HttpResponseRedirect("/elsewhere/")
    response.set_cookie("kept", "1")
    return response


async def slow(request: HttpRequest) -> HttpResponse:
    raise TooSlow(name="Tränen")


def locked(request: HttpRequest) -> HttpResponse:
    raise Locked


def unavailable(request: HttpRequest) -> HttpResponse:
    raise ServiceUnavailable(service="The model server", reason="refused")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


@csrf_protect
def guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def whole(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")


urlpatterns = [
    path("notice/", notice),
    path("moved/", moved),
    path("slow/", slow),
    path("locked/", locked),
    path("unavailable/", unavailable),
    path("broken/", broken),
    path("guarded/", guarded),
    path("whole/", whole),
    path("", include("studio.urls")),
]
handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def quiet_client(db: None) -> Client:
    return Client(raise_request_exception=False)


def with_htmx(**headers: str) -> HttpRequest:
    request = RequestFactory().get("/", headers=headers)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


def test_page_picks_the_fragment_for_htmx() -> None:
    assert page(with_htmx(), "jobs/index") == "jobs/index.html"
    assert page(with_htmx(HX_Request="true"), "jobs/index") == "jobs/_index.html"


def test_page_is_whole_when_boosted_or_restored() -> None:
    boosted = with_htmx(HX_Request="true", HX_Boosted="true")
    restored = with_htmx(HX_Request="true", HX_History_Restore_Request="true")

    assert page(boosted, "jobs/index") == "jobs/index.html"
    assert page(restored, "jobs/index") == "jobs/index.html"


def test_hx_redirect_suits_both() -> None:
    assert hx_redirect(with_htmx(), "/a/").status_code == 302
    assert hx_redirect(with_htmx(HX_Request="true"), "/a/")["HX-Redirect"] == "/a/"


def test_redirects_become_hx_redirect(quiet_client: Client) -> None:
    response = quiet_client.get("/moved/", **HTMX)

    assert (response.status_code, response["HX-Redirect"]) == (200, "/elsewhere/")
    assert response.cookies["kept"].value == "1"


def test_browsers_keep_their_redirects(quiet_client: Client) -> None:
    response = quiet_client.get("/moved/")

    assert (response.status_code, response["Location"]) == (302, "/elsewhere/")


def test_sign_in_leads_back_to_the_page_not_the_fragment(quiet_client: Client) -> None:
    response = quiet_client.get(
        "/ui/activity/", **HTMX, HTTP_HX_CURRENT_URL="http://testserver/jobs/?page=2"
    )

    assert response["HX-Redirect"] == "/accounts/login/?next=/jobs/%3Fpage%3D2"


def test_notices_reach_htmx_as_an_event(quiet_client: Client) -> None:
    response = quiet_client.get("/notice/", **HTMX)

    assert json.loads(response["HX-Trigger"]) == {
        "ui:toast": {"toasts": [{"message": "Saved äöü.", "level": "success"}]}
    }


def test_notices_shown_to_htmx_are_not_shown_again(owner_client: Client) -> None:
    owner_client.get("/notice/", **HTMX)

    assert b"Saved" not in owner_client.get("/whole/").content


def test_notices_of_a_redirect_wait_for_the_next_page(owner_client: Client) -> None:
    owner_client.get("/moved/", **HTMX)

    assert b"Moved." in owner_client.get("/whole/").content


def test_studio_error_is_a_page_with_its_status(quiet_client: Client) -> None:
    response = quiet_client.get("/locked/")

    assert response.status_code == 403
    assert b"Uploads are switched off." in response.content
    assert b"<html" in response.content


def test_studio_error_is_a_notice_for_htmx(quiet_client: Client) -> None:
    response = quiet_client.get("/slow/", **HTMX)

    assert response.status_code == 409
    assert b"<html" not in response.content
    assert response["HX-Reswap"] == "none"
    assert json.loads(response["HX-Trigger"])["ui:toast"]["toasts"] == [
        {"message": "“Tränen” was changed by somebody else.", "level": "error"}
    ]


def test_studio_error_is_json_for_programs(quiet_client: Client) -> None:
    response = quiet_client.get("/unavailable/", headers={"Accept": "application/json"})

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "service.unavailable"


@pytest.mark.django_db(transaction=True)
async def test_studio_error_under_async() -> None:
    response = await AsyncClient().get("/slow/")

    assert response.status_code == 409


def test_not_found_is_a_page(quiet_client: Client) -> None:
    response = quiet_client.get("/no/such/page/")

    assert response.status_code == 404
    assert b"There is nothing here" in response.content


def test_bad_host_is_a_page(quiet_client: Client) -> None:
    response = quiet_client.get("/notice/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert b"could not be read" in response.content


def test_forbidden_is_a_page() -> None:
    response = views.forbidden(RequestFactory().get("/"))

    assert response.status_code == 403
    assert b"You may not do that" in response.content


def test_missing_form_token_says_what_to_do(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/guarded/")

    assert response.status_code == 403
    assert b"This form is out of date" in response.content


def test_server_error_tells_nothing_and_is_allowed_its_style(quiet_client: Client) -> None:
    response = quiet_client.get("/broken/")

    style = re.search(rb"<style>(.*?)</style>", response.content, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert response.status_code == 500
    assert b"secret detail" not in response.content
    assert f"'sha256-{digest}'" in response["Content-Security-Policy"]


def test_pages_have_a_strict_policy(owner_client: Client) -> None:
    response = owner_client.get("/whole/")

    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert b" style=" not in response.content
    assert b"<script>" not in response.content


@override_settings(SHELL_NAME="HR helpdesk", SHELL_NAVIGATION="", SHELL_ACTIVITY="")
def test_shell_carries_the_name_it_is_given(owner_client: Client) -> None:
    content = owner_client.get("/whole/").content

    assert b"HR helpdesk" in content
    assert b"GenAI Studio" not in content
