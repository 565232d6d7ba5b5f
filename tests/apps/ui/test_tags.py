from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

from apps.ui import icons
from apps.ui.forms import Form


class NoteForm(Form):
    name = forms.CharField(help_text="Short.")
    kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)
    share = forms.BooleanField(required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def render(source: str, **context: Any) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize("name", sorted(icons.PATHS))
def test_icon_is_decoration(name: str) -> None:
    html = render(f'{{% icon "{name}" %}}')

    assert 'aria-hidden="true"' in html
    assert icons.PATHS[name] in html


def test_icon_with_a_label_is_an_image() -> None:
    assert 'role="img" aria-label="Done"' in render('{% icon "check" "" "Done" %}')


def test_unknown_icon_fails_loudly() -> None:
    with pytest.raises(KeyError):
        render('{% icon "no-such-icon" %}')


def test_field_is_wired() -> None:
    form = NoteForm({"name": ""})

    html = render("{% field form.name %}", form=form)

    assert '<label class="font-medium" for="id_name">' in html
    assert 'aria-describedby="id_name_help id_name_errors"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_help"' in html
    assert "This field is required." in html
    assert 'class="input"' in html


def test_choices_are_a_fieldset() -> None:
    html = render("{% field form.kind %}", form=NoteForm())

    assert "<fieldset" in html
    assert "<legend" in html


def test_optional_fields_say_so_unless_told_not_to() -> None:
    form = type("F", (Form,), {"note": forms.CharField(required=False)})()

    assert "(optional)" in render("{% field form.note %}", form=form)
    assert "(optional)" not in render("{% field form.note optional=False %}", form=form)


def test_hidden_fields_are_only_their_control() -> None:
    assert render("{% field form.secret %}", form=NoteForm()).strip().startswith("<input")


def test_status_badge_has_colour_icon_and_words() -> None:
    html = render('{% status_badge "failed" "Failed" %}')

    assert "badge-error" in html
    assert "<svg" in html
    assert "Failed" in html


def test_unknown_status_is_shown_plainly() -> None:
    assert "Half done" in render('{% status_badge "half_done" %}')


def test_progress_without_a_total_has_no_value() -> None:
    assert 'value="41"' in render('{% progress 412 1000 "Files" %}')
    assert "value=" not in render('{% progress 0 0 "Files" %}')


def test_page_header_holds_its_actions() -> None:
    html = render(
        '{% page_header title subtitle="c" %}<a href="/">Go</a>{% end_page_header %}', title="A & B"
    )

    assert "<h1>A &amp; B</h1>" in html
    assert '<div class="page-actions"><a href="/">Go</a></div>' in html


def test_empty_state_says_what_to_do() -> None:
    html = render(
        '{% empty_state "folder" "No files" "Add some." %}<b>Add</b>{% end_empty_state %}'
    )

    assert "<h2>No files</h2>" in html
    assert "<b>Add</b>" in html


def test_local_time_keeps_the_moment() -> None:
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

    html = render("{% local_time moment %}", moment=moment)

    assert '<time datetime="2026-03-01T12:30:00+00:00">2026-03-01 12:30</time>' in html
    assert render("{% local_time none %}", none=None) == "–"


def test_pagination_keeps_the_query() -> None:
    request = RequestFactory().get("/", {"q": "a b", "page": "2"})
    rows = Paginator(range(500), 50).get_page(2)

    html = render('{% pagination rows "#rows" %}', rows=rows, request=request)

    assert "51–100 of 500" in html
    assert 'href="?q=a+b&amp;page=3"' in html
    assert 'hx-get="?q=a+b&amp;page=3"' in html
    assert 'aria-current="page">2<' in html


def test_one_page_needs_no_pagination() -> None:
    rows = Paginator(range(5), 50).get_page(1)

    assert (
        render("{% pagination rows %}", rows=rows, request=RequestFactory().get("/")).strip() == ""
    )


def test_file_drop_works_without_a_script() -> None:
    html = render('{% file_drop "/upload/" accept=".md" %}')

    assert 'action="/upload/" enctype="multipart/form-data"' in html
    assert 'name="files" multiple required accept=".md"' in html


@pytest.mark.parametrize(
    ("widget", "css"),
    [
        (forms.TextInput, "input"),
        (forms.Select, "select"),
        (forms.Textarea, "textarea"),
        (forms.CheckboxInput, "checkbox checkbox-sm"),
        (forms.ClearableFileInput, "file-input"),
    ],
)
def test_widgets_are_dressed(widget: type[forms.Widget], css: str) -> None:
    form = type("F", (Form,), {"a": forms.Field(widget=widget)})()

    assert form.fields["a"].widget.attrs["class"] == css


def test_own_widget_classes_stay() -> None:
    field = forms.CharField(widget=forms.TextInput(attrs={"class": "font-mono"}))
    form = type("F", (Form,), {"a": field})()

    assert form.fields["a"].widget.attrs["class"] == "input font-mono"


def test_status_of_a_refused_form_is_422() -> None:
    assert NoteForm().status == 200
    assert NoteForm({"name": "a", "kind": "a"}).status == 200
    assert NoteForm({}).status == 422
