"""Sign-in, and the pages of one's own account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import links, services
from apps.accounts.forms import (
    ChangePasswordForm,
    LoginForm,
    NewPasswordForm,
    OwnAccountForm,
    ProfileForm,
    TokenForm,
)
from apps.accounts.models import User
from apps.accounts.queries import administrators, tokens_for, waiting_administrator
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: StudioRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return hx_redirect(request, _next(request))
    form = LoginForm(request.POST if request.method == "POST" else None, request=request)
    if form.is_valid() and form.user:
        auth.login(request, form.user)
        services.audit(
            form.user, "accounts.login", f"user:{form.user.username}", address=form.address
        )
        return hx_redirect(request, _next(request))
    if form.is_bound and not form.wait_s and form.cleaned_data.get("username"):
        name = form.cleaned_data["username"]
        services.audit(None, "accounts.login-failed", f"user:{name}", address=form.address)
    context = {
        "form": form,
        "next": request.GET.get("next", ""),
        "registration": getattr(settings, "ACCOUNTS_REGISTRATION", False),
        "unset": not form.is_bound and not administrators().exists(),
    }
    response = render(request, "accounts/login.html", context, status=form.status)
    if form.wait_s:
        response["Retry-After"] = str(form.wait_s)
    return response


@require_POST
def logout(request: StudioRequest) -> HttpResponse:
    if request.user.is_authenticated:
        services.audit(request.user, "accounts.logout", f"user:{request.user.username}")
    auth.logout(request)
    return hx_redirect(request, resolve_url(settings.LOGOUT_REDIRECT_URL or settings.LOGIN_URL))


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def first_admin(request: StudioRequest, token: str) -> HttpResponse:
    """Works with a signed link and only until an administrator can sign in."""
    if not links.is_first_admin_token(token) or administrators().exists():
        raise Http404
    sent = request.POST if request.method == "POST" else None
    form = OwnAccountForm(sent, instance=waiting_administrator())
    if form.is_valid():
        user = services.create_first_admin(**form.cleaned_data)
        auth.login(request, user, backend=BACKEND)
        return hx_redirect(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    return render(request, "accounts/first_admin.html", {"form": form}, status=form.status)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def register(request: StudioRequest) -> HttpResponse:
    if not getattr(settings, "ACCOUNTS_REGISTRATION", False) or request.user.is_authenticated:
        raise Http404
    form = OwnAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = services.register(**form.cleaned_data)
        except StudioError as error:
            form.add_error("username", str(error))
        else:
            auth.login(request, user, backend=BACKEND)
            return hx_redirect(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    return render(request, "accounts/register.html", {"form": form}, status=form.status)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def set_password(request: StudioRequest, token: str) -> HttpResponse:
    """The page of a one-time link; afterwards the link leads nowhere."""
    user = links.user_of_password_token(token)
    if user is None:
        raise Http404
    form = NewPasswordForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        services.set_password(user=user, password=form.cleaned_data["password"], by=user)
        auth.login(request, user, backend=BACKEND)
        messages.success(request, "Your password is set.")
        return hx_redirect(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    context = {"form": form, "person": user}
    return render(request, "accounts/set_password.html", context, status=form.status)


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: StudioRequest) -> HttpResponse:
    mine = User.objects.get(pk=request.user.pk)
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=mine)
    if form.is_valid():
        services.change_profile(user=mine)
        messages.success(request, "Your profile is saved.")
        return hx_redirect(request, request.path)
    return render(
        request, "accounts/profile.html", {"form": form, "tab": "profile"}, status=form.status
    )


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: StudioRequest) -> HttpResponse:
    form = ChangePasswordForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        new = form.cleaned_data["password"]
        services.set_password(user=request.user, password=new, by=request.user)
        auth.update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. Other sessions are signed out.")
        return hx_redirect(request, request.path)
    return render(
        request, "accounts/password.html", {"form": form, "tab": "password"}, status=form.status
    )


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: StudioRequest) -> HttpResponse:
    """The value of a new token is in the answer to the POST and nowhere else."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    value = ""
    if form.is_valid():
        _, value = services.create_token(request.user, **form.cleaned_data)
        form = TokenForm()
    context = {"form": form, "tab": "tokens", "value": value, "tokens": tokens_for(request.user)}
    return render(request, page(request, "accounts/tokens"), context, status=form.status)


@login_required
@require_POST
def revoke_token(request: StudioRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(tokens_for(request.user), pk=token_id)
    services.revoke_token(token=token, by=request.user)
    messages.success(request, f"The token “{token.name}” no longer works.")
    return hx_redirect(request, resolve_url("accounts:tokens"))


def _next(request: StudioRequest) -> str:
    """Where sign-in leads: an address of this site, or the first page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)
