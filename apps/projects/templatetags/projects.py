"""What templates ask about projects. Builtin, like the tags of the kit."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext

from apps.projects.enums import Act
from apps.projects.models import Project
from apps.projects.queries import role_of

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: RequestContext, project: Project, act: str) -> bool:
    """Whether the person who looks at the page may do this with the project: what they may not is
    not offered."""
    return role_of(context["request"].user, project).may(Act(act))
