from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import throttle
from apps.accounts.models import User
from apps.ui.forms import Form, ModelForm


def _password(label: str, autocomplete: str, **more: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=256, widget=widget, **more)


class LoginForm(Form):
    """Valid when the password is right; `user` is then set. `wait_s` is above 0 while guessing is slowed down."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = _password("Password", "current-password")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.address = request.META.get("REMOTE_ADDR", "")
        self.user: User | None = None
        self.wait_s = 0

    def clean(self) -> None:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return
        self.wait_s = throttle.wait_s(name, self.address)
        if self.wait_s:
            minutes = max(1, round(self.wait_s / 60))
            raise ValidationError(
                f"Too many failed attempts. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}, "
                "or ask an administrator for a new password link."
            )
        user = authenticate(self.request, username=name, password=password)
        if not isinstance(user, User):
            throttle.record_failure(name, self.address)
            raise ValidationError("User name or password is wrong.")
        throttle.clear(name, self.address)
        self.user = user

    @property
    def status(self) -> int:
        return 429 if self.wait_s else super().status


def _new_password() -> forms.CharField:
    return _password(
        "Password",
        "new-password",
        help_text="At least 8 characters; not a common word or only digits.",
    )


def _check_passwords(form: forms.BaseForm, user: User) -> None:
    """Both the same, and accepted by settings.AUTH_PASSWORD_VALIDATORS beside the user's own words."""
    first = form.cleaned_data.get("password")
    second = form.cleaned_data.pop("password_again", None)
    if first and second and first != second:
        form.add_error("password_again", "The two passwords differ.")
    elif first:
        try:
            password_validation.validate_password(first, user)
        except ValidationError as error:
            form.add_error("password", error)


class NewPasswordForm(Form):
    password = _new_password()
    password_again = _password("Password again", "new-password")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        _check_passwords(self, self.user)
        return self.cleaned_data


class ChangePasswordForm(NewPasswordForm):
    current = _password("Current password", "current-password")
    field_order = ("current", "password", "password_again")

    def clean_current(self) -> str:
        current: str = self.cleaned_data["current"]
        if not self.user.check_password(current):
            raise ValidationError("This is not your current password.")
        return current


class _PersonFields(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")
        labels = {
            "username": "User name",
            "first_name": "First name",
            "last_name": "Last name",
            "email": "E-mail",
        }
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"The user name {name} is taken. Choose another one.")
        return name


class PersonForm(_PersonFields, ModelForm):
    administrator = forms.BooleanField(
        required=False, help_text="Manages people and sees everything on this installation."
    )


class OwnAccountForm(_PersonFields, ModelForm):
    """A person creates their own account: the first administrator, or by self-registration."""

    password = _new_password()
    password_again = _password("Password again", "new-password")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        names = ("username", "email", "first_name", "last_name")
        _check_passwords(self, User(**{name: data.get(name) or "" for name in names}))
        return data


class ProfileForm(ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "email")
        labels = {"first_name": "First name", "last_name": "Last name", "email": "E-mail"}


class TokenForm(Form):
    name = forms.CharField(max_length=80, help_text="What it is for, such as “nightly evaluation”.")
    days = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        choices=[(30, "In 30 days"), (90, "In 90 days"), (365, "In one year"), (0, "Never")],
        initial=90,
    )

    def clean(self) -> dict[str, Any]:
        days = self.cleaned_data.pop("days", None)
        self.cleaned_data["expires_at"] = timezone.now() + timedelta(days=days) if days else None
        return self.cleaned_data


class SearchForm(Form):
    q = forms.CharField(required=False, max_length=100)


class AuditFilterForm(Form):
    action = forms.ChoiceField(required=False)
    text = forms.CharField(required=False, max_length=100, label="Person or target")
    since = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label="To", widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, actions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", "Any action"), *((a, a) for a in actions)]  # type: ignore[attr-defined]
