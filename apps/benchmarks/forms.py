from __future__ import annotations

from typing import Any

from django import forms
from pydantic import ValidationError as ProfileInvalid

from apps.benchmarks.domain.profile import MAX_CONCURRENCY, MAX_RATE_RPS, Profile, Slo
from apps.benchmarks.services import dataset_prompts
from apps.evaluations.models import Dataset
from apps.projects.models import Project, SpecVersion
from apps.ui.forms import Form

STARTER_PROMPTS = """\
What is this about?
Which rules apply, and to whom?
Who decides, and within how many days?
What has to be done first?
"""


class StartBenchForm(Form):
    version = forms.ModelChoiceField(SpecVersion.objects.none(), empty_label=None)
    mode = forms.ChoiceField(
        label="Load",
        choices=[
            ("closed", "Users: each asks, waits for the answer, asks again"),
            ("open", "Arrivals: so many requests per second, come what may"),
        ],
        initial="closed",
        widget=forms.RadioSelect,
    )
    concurrency = forms.IntegerField(
        label="Users at the same time",
        min_value=1,
        max_value=MAX_CONCURRENCY,
        initial=4,
        required=False,
        help_text=f"1 to {MAX_CONCURRENCY}. For load by users.",
    )
    rate_rps = forms.FloatField(
        label="Requests per second",
        min_value=0.1,
        max_value=MAX_RATE_RPS,
        initial=1,
        required=False,
        help_text=f"0.1 to {MAX_RATE_RPS:g}. For load by arrivals.",
    )
    arrival = forms.ChoiceField(
        label="Arrivals are",
        choices=[("poisson", "random (Poisson)"), ("constant", "evenly spaced")],
        initial="poisson",
        required=False,
    )
    duration_s = forms.IntegerField(
        label="Measure for (s)", min_value=10, max_value=300, initial=30, help_text="10 to 300."
    )
    warmup_s = forms.IntegerField(
        label="Warm up for (s)",
        min_value=0,
        max_value=60,
        initial=5,
        help_text="0 to 60; not measured.",
    )
    max_tokens = forms.IntegerField(
        label="Max response tokens", min_value=1, max_value=4096, initial=128
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.none(),
        label="Questions from",
        required=False,
        empty_label="What I type below",
    )
    prompts = forms.CharField(
        label="Questions, one per line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        initial=STARTER_PROMPTS,
        help_text="Different ones: a server that remembers answers would look too fast.",
    )
    ttft_ms = forms.FloatField(
        label="First token within (ms)", min_value=1, max_value=600_000, required=False
    )
    itl_ms = forms.FloatField(
        label="Each further token within (ms)", min_value=0.1, max_value=60_000, required=False
    )
    e2e_ms = forms.FloatField(
        label="Whole answer within (ms)", min_value=1, max_value=600_000, required=False
    )
    cancel_percent = forms.IntegerField(
        label="Requests cut by the client (%)", min_value=0, max_value=50, initial=0, required=False
    )
    allow_remote = forms.BooleanField(
        label="Load the model server on the other machine as well", required=False
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choices("version").queryset = project.versions.all()
        self._choices("dataset").queryset = project.datasets.all()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        needed = "concurrency" if values.get("mode") == "closed" else "rate_rps"
        if needed not in self.errors and not values.get(needed):
            self.add_error(needed, "Needed for this kind of load.")
        if not self.errors:
            self._make_profile(values)
        return values

    def _make_profile(self, values: dict[str, Any]) -> None:
        dataset: Dataset | None = values.get("dataset")
        prompts = dataset_prompts(dataset) if dataset else _lines(values.get("prompts", ""))
        if not prompts:
            self.add_error("prompts", "Type at least one question, or choose a dataset.")
            return
        try:
            values["profile"] = Profile(
                mode=values["mode"],
                concurrency=values.get("concurrency") or 1,
                rate_rps=values.get("rate_rps") or 1.0,
                arrival=values.get("arrival") or "poisson",
                duration_s=values["duration_s"],
                warmup_s=values["warmup_s"],
                max_tokens=values["max_tokens"],
                cancel_share=(values.get("cancel_percent") or 0) / 100,
                prompts=prompts,
                prompt_source=f"dataset {dataset.name}" if dataset else "typed",
                slo=Slo(
                    ttft_ms=values["ttft_ms"], itl_ms=values["itl_ms"], e2e_ms=values["e2e_ms"]
                ),
                allow_remote=values["allow_remote"],
            )
        except ProfileInvalid as error:
            for item in error.errors():
                field = str(item["loc"][0]) if item["loc"] else "prompts"
                self.add_error(field if field in self.fields else None, item["msg"])

    def _choices(self, name: str) -> Any:
        return self.fields[name]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
