import uuid

import django.db.models.deletion
from django.db import migrations, models

import apps.chat.models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatmessage",
            name="fields",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="chatmessage",
            name="media_count",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="ChatAttachment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("ordinal", models.PositiveSmallIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("image", "Picture"),
                            ("audio", "Sound"),
                            ("document", "Document"),
                        ],
                        max_length=10,
                    ),
                ),
                ("mime", models.CharField(max_length=120)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("size_bytes", models.PositiveBigIntegerField()),
                (
                    "file",
                    models.FileField(max_length=200, upload_to=apps.chat.models.attachment_path),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="chat.chatmessage",
                    ),
                ),
            ],
            options={
                "ordering": ["message", "ordinal"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message", "ordinal"), name="attachment_ordinal"
                    )
                ],
            },
        ),
    ]
