from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="kind",
            field=models.CharField(
                choices=[
                    ("openai", "Model server (OpenAI protocol)"),
                    ("opea", "OPEA microservice or TEI"),
                    ("http", "Other HTTP service, for tools"),
                ],
                default="openai",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["openai", "opea", "http"])), name="endpoint_kind"
            ),
        ),
    ]
