from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.packages.domain.options import FORMATS, Options, options_for
from apps.projects.domain.spec import ProjectSpec
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import spec_of
from apps.runtime.errors import UserFault
from apps.ui.forms import Form

TOPOLOGIES = [
    ("single", "One machine: one web process, a worker, PostgreSQL and Redis"),
    ("cluster", "Cluster: several web replicas behind nginx, a worker, PostgreSQL and Redis"),
]
INCLUDES = [
    ("index", "Ready index: the portal answers at once, originals stay here"),
    ("documents", "Documents: the portal indexes them on its first start"),
    ("none", "Nothing: the collections start empty"),
]


class StartExportForm(Form):
    version = forms.ModelChoiceField(
        SpecVersion.objects.none(), empty_label=None, help_text="The frozen build that is packed."
    )
    formats = forms.MultipleChoiceField(
        choices=[(name, name.capitalize()) for name in FORMATS],
        widget=forms.CheckboxSelectMultiple,
        help_text="This release makes Compose packages.",
    )
    topology = forms.ChoiceField(choices=TOPOLOGIES, widget=forms.RadioSelect)
    include = forms.ChoiceField(
        choices=INCLUDES, widget=forms.RadioSelect, label="Knowledge that travels"
    )
    port = forms.IntegerField(
        min_value=1, max_value=65_535, help_text="Where the portal listens; .env can change it."
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        self.versions = project.versions.select_related("project__owner")
        newest = self.versions.first()
        if newest and "initial" not in kwargs:
            kwargs["initial"] = {"version": newest.pk, **_chosen(spec_of(newest))}
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - declared above
        field.queryset = self.versions

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        chosen = {name: values[name] for name in ("formats", "topology", "include", "port")}
        try:
            values["options"] = options_for(spec_of(values["version"]).spec.deployment, **chosen)
        except UserFault as error:
            raise ValidationError(str(error)) from error
        return values

    @property
    def options(self) -> Options:
        options: Options = self.cleaned_data["options"]
        return options


def _chosen(spec: ProjectSpec) -> dict[str, Any]:
    options = options_for(spec.spec.deployment)
    return {
        "formats": list(options.formats),
        "topology": options.topology,
        "include": options.include,
        "port": options.port,
    }
