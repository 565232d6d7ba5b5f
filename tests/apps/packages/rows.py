"""A project with one frozen version, as the builder leaves it."""

from __future__ import annotations

from apps.accounts.models import User
from apps.packages.domain.options import options_for
from apps.packages.models import PackageExport
from apps.projects.domain.canonical import sha256
from apps.projects.domain.compile import build_graph
from apps.projects.domain.yaml_io import parse
from apps.projects.models import Draft, Project, SpecVersion

ASSISTANT = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: assistant, title: Assistant}
spec:
  application: qna
  model: {connection: local-vllm, name: some-model}
  deployment: {topology: cluster, port: 9090, knowledge: {include: none}}
"""


def project_of(owner: User, text: str = ASSISTANT) -> tuple[Project, SpecVersion]:
    spec, findings = parse(text)
    assert spec, findings
    project = Project.objects.create(
        owner=owner, name=spec.metadata.name, title=spec.metadata.title, application="qna"
    )
    Draft.objects.create(project=project, yaml=text)
    version = SpecVersion.objects.create(
        project=project,
        number=1,
        yaml=text,
        spec=spec.model_dump(mode="json", by_alias=True),
        graph=build_graph(spec).model_dump(mode="json"),
        sha256=sha256(spec),
    )
    return project, version


def export_row(version: SpecVersion) -> PackageExport:
    """An export that nobody has started to make."""
    spec, _ = parse(version.yaml)
    assert spec
    options = options_for(spec.spec.deployment).as_dict()
    return PackageExport.objects.create(project=version.project, version=version, options=options)
