from __future__ import annotations

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("knowledge", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StoreCopy",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("collection_id", models.UUIDField(db_index=True)),
                ("title", models.CharField(max_length=120)),
                ("connection", models.CharField(max_length=63)),
                ("kind", models.CharField(max_length=10)),
                ("address_key", models.CharField(max_length=64)),
                ("token", models.CharField(blank=True, max_length=32)),
                ("dimension", models.PositiveIntegerField(default=0)),
                ("revision", models.BigIntegerField(default=-1)),
                ("chunks", models.PositiveBigIntegerField(default=0)),
                ("busy_until", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                ("followed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="jobs.job",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["connection"],
            },
        ),
        migrations.CreateModel(
            name="StoredDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document_id", models.UUIDField()),
                ("chunks", models.PositiveIntegerField(default=0)),
                ("done", models.BooleanField(default=False)),
                (
                    "copy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="documents",
                        to="knowledge.storecopy",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="storecopy",
            constraint=models.UniqueConstraint(
                fields=("collection_id", "address_key"), name="store_copy"
            ),
        ),
        migrations.AddConstraint(
            model_name="storeddocument",
            constraint=models.UniqueConstraint(
                fields=("copy", "document_id"), name="stored_document"
            ),
        ),
    ]
