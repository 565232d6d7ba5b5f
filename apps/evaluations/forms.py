from __future__ import annotations

from typing import Any

from django import forms

from apps.evaluations.domain.dataset_io import MAX_BYTES
from apps.evaluations.models import Dataset
from apps.projects.models import Project, SpecVersion
from apps.ui.forms import Form


class UploadDatasetForm(Form):
    file = forms.FileField(
        label="File",
        help_text="CSV, JSON Lines or JSON; at most 10,000 questions and 20 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.jsonl,.ndjson,.json,.txt"}),
    )
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="Left empty: the file's name."
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {file.size / 1e6:.1f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB."
            )
        return file


class StartRunForm(Form):
    version = forms.ModelChoiceField(SpecVersion.objects.none(), empty_label=None)
    dataset = forms.ModelChoiceField(Dataset.objects.none(), empty_label=None)
    k = forms.IntegerField(
        label="Passages per question (k)",
        min_value=1,
        max_value=50,
        required=False,
        help_text="Left empty: as many as the version retrieves.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choices("version").queryset = project.versions.all()
        self._choices("dataset").queryset = project.datasets.all()
        self._choices("dataset").label_from_instance = _dataset_label

    def _choices(self, name: str) -> Any:
        return self.fields[name]


class SampleFilterForm(forms.Form):
    """What the list of samples shows; unknown values are ignored."""

    verdict = forms.CharField(required=False)
    q = forms.CharField(required=False, max_length=200, strip=True)
    sort = forms.CharField(required=False)


def _dataset_label(dataset: Any) -> str:
    return f"{dataset.name} ({dataset.question_count} questions)"
