from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_delete


class ChatConfig(AppConfig):
    name = "apps.chat"
    label = "chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """However a row goes, with its conversation or with its owner's account, its file goes too."""
        orphans = import_module("apps.chat.orphans")
        model = self.get_model("ChatAttachment")
        post_delete.connect(orphans.discard_with, model, dispatch_uid="chat.attachment-file")
